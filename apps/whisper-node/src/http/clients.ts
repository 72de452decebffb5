import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { addressName } from '@sotto/whisper-devp2p';
import type { TrustedProxies } from './client-address.js';

/** A connection that counts for an address. */
export interface Connection {
  /** What limits go by, as `addressName` gives it. */
  readonly client: string;
  /** It does something: from now on it isn't closed for a newer one. */
  begin(): void;
  /** It has done that. */
  end(): void;
}

interface Held {
  readonly close: () => void;
  /** Things under way. */
  busy: number;
}

/**
 * Who is connected, by address: no more of each than allowed. Who has as many closes, with one more, the oldest of those that do
 * nothing: behind one address there may be many people, and whoever only holds places shouldn't keep the others out.
 */
export class Clients {
  readonly #most: number;
  readonly #proxies: TrustedProxies | undefined;
  /** By address, the oldest first. */
  readonly #held = new Map<string, Set<Held>>();
  readonly #bySocket = new WeakMap<object, Connection>();

  /** @param most of one address */
  constructor(most: number, proxies: TrustedProxies | undefined) {
    this.#most = most;
    this.#proxies = proxies;
  }

  /** Whether a connection may stay. Those of a proxy are counted by what they carry. */
  admit(socket: Socket): boolean {
    const { remoteAddress } = socket;
    // Gone already.
    if (remoteAddress === undefined) return false;
    if (this.#proxies?.has(remoteAddress)) return true;
    const connection = this.#hold(addressName(remoteAddress), socket, (left) => socket.once('close', left));
    if (connection !== undefined) this.#bySocket.set(socket, connection);
    return connection !== undefined;
  }

  /**
   * What a request counts for; `undefined` when its client has too much under way.
   * @param onEnd is given what to call when it is over
   */
  admitRequest(request: IncomingMessage, onEnd: (left: () => void) => void): Connection | undefined {
    const { socket } = request;
    if (!this.#proxies?.has(socket.remoteAddress ?? '')) return this.#bySocket.get(socket);
    return this.#hold(this.#proxies.clientOf(request), socket, onEnd);
  }

  #hold(client: string, socket: Socket, onEnd: (left: () => void) => void): Connection | undefined {
    const all = this.#held.get(client) ?? new Set();
    if (all.size >= this.#most) {
      const idle = [...all].find(({ busy }) => busy === 0);
      if (idle === undefined) return undefined;
      all.delete(idle);
      idle.close();
    }
    const held: Held = { busy: 0, close: () => socket.destroy() };
    all.add(held);
    this.#held.set(client, all);
    onEnd(() => {
      all.delete(held);
      if (all.size === 0 && this.#held.get(client) === all) this.#held.delete(client);
    });
    return {
      client,
      begin: () => {
        held.busy++;
      },
      end: () => {
        held.busy--;
      },
    };
  }
}
