import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { addressName } from '@sotto/whisper-devp2p';
import type { TrustedProxies } from './client-address.js';

/** A connection that counts for an address. */
export interface Connection {
  /** The name of its address, see `addressName`. */
  readonly client: string;
  /** A request begins: from now on it isn't closed for a newer connection. */
  begin(): void;
  /** A request has ended. */
  end(): void;
}

interface Held {
  readonly close: () => void;
  /** Number of pending requests. */
  busy: number;
}

/**
 * The connections by address, with a limit for each. A connection beyond it closes the oldest idle one of the same
 * address: many people may share it, and idle connections shouldn't keep others out.
 */
export class Clients {
  readonly #most: number;
  readonly #proxies: TrustedProxies | undefined;
  /** Connections by address, the oldest first. */
  readonly #held = new Map<string, Set<Held>>();
  readonly #bySocket = new WeakMap<object, Connection>();

  /** @param most connections of one address */
  constructor(most: number, proxies: TrustedProxies | undefined) {
    this.#most = most;
    this.#proxies = proxies;
  }

  /** Whether a connection may stay. Those of a proxy count by their requests. */
  admit(socket: Socket): boolean {
    const { remoteAddress } = socket;
    // Closed already.
    if (remoteAddress === undefined) return false;
    if (this.#proxies?.has(remoteAddress)) return true;
    const connection = this.#hold(addressName(remoteAddress), socket, (left) => socket.once('close', left));
    if (connection !== undefined) this.#bySocket.set(socket, connection);
    return connection !== undefined;
  }

  /**
   * The address that a request counts for; `undefined` when it has too many pending requests.
   * @param onEnd receives a function to call at the end of the request
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
