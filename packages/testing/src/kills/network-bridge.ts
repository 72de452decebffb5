import type { ChildProcess } from 'node:child_process';
import process from 'node:process';
import type { Channel, KeyPair, Transport, TransportConnection, TransportMessage } from '@sotto/core';

interface Call {
  readonly type: 'call';
  readonly id: number;
  readonly what: 'connect' | 'send' | 'subscribe';
  readonly identity: KeyPair;
  readonly channel: Channel;
  readonly channels: readonly Channel[];
  readonly payload: Uint8Array;
}

/** A network in this process, by which a child process is connected. */
interface BridgedNetwork {
  transport(): Transport;
}

/**
 * Connects a child process, forked with `serialization: 'advanced'`, to a network in this process. What the child has not taken when it
 * dies waits for its next life.
 */
export class NetworkBridge {
  readonly #taken = new Map<number, () => void>();
  readonly #network: BridgedNetwork;
  readonly #child: ChildProcess;
  #connection: TransportConnection | undefined;
  #ended = () => {};

  constructor(network: BridgedNetwork, child: ChildProcess) {
    this.#network = network;
    this.#child = child;
    child.on('message', (message: { readonly type: string; readonly id: number }) => {
      if (message.type === 'taken') this.#taken.get(message.id)?.();
      else if (message.type === 'call') void this.#call(message as Call);
    });
  }

  async close(): Promise<void> {
    await this.#connection?.close();
    this.#ended();
  }

  async #call({ id, what, identity, channel, channels, payload }: Call): Promise<void> {
    if (what === 'connect') this.#connection = await this.#connect(identity);
    else if (what === 'send') await this.#connection?.send(channel, payload);
    else await this.#connection?.subscribe(channels);
    this.#tell({ type: 'answer', id });
  }

  async #connect(identity: KeyPair): Promise<TransportConnection> {
    let deliveries = 0;
    const ended = new Promise<never>((_, reject) => {
      this.#ended = () => reject(new Error('the receiver was killed'));
    });
    ended.catch(() => {});
    return this.#network.transport().connect({
      identity,
      onMessage: (message) => {
        const id = deliveries++;
        const taken = new Promise<void>((resolve) => this.#taken.set(id, resolve));
        this.#tell({ type: 'deliver', id, message });
        return Promise.race([taken, ended]);
      },
    });
  }

  #tell(message: object): void {
    if (this.#child.connected) this.#child.send(message, () => {});
  }
}

/** In the child process: a transport by way of the parent's {@link NetworkBridge}. */
export function parentTransport(): Transport {
  const tell = (message: object) => process.send?.(message);
  return {
    capabilities: { maxPayloadBytes: 1024 * 1024, history: false, confirmsSend: true },
    async connect(party) {
      let calls = 0;
      const waiting = new Map<number, () => void>();
      process.on('message', (message: { type: string; id: number; message: TransportMessage }) => {
        if (message.type === 'answer') waiting.get(message.id)?.();
        else if (message.type === 'deliver') {
          void party.onMessage(message.message).then(() => tell({ type: 'taken', id: message.id }));
        }
      });
      const call = (what: object) =>
        new Promise<void>((resolve) => {
          const id = calls++;
          waiting.set(id, resolve);
          tell({ type: 'call', id, ...what });
        });
      await call({ what: 'connect', identity: party.identity });
      return {
        send: (channel: Channel, payload: Uint8Array) => call({ what: 'send', channel, payload }),
        subscribe: (channels: readonly Channel[]) => call({ what: 'subscribe', channels }),
        close: async () => {},
      };
    },
  };
}
