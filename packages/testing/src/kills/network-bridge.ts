import type { ChildProcess } from 'node:child_process';
import process from 'node:process';
import type {
  Channel,
  HistoryRequest,
  KeyPair,
  Transport,
  TransportConnection,
  TransportMessage,
} from '@sotto/core';

interface Call {
  readonly type: 'call';
  readonly id: number;
  readonly what: 'connect' | 'send' | 'subscribe' | 'history';
  readonly identity: KeyPair;
  readonly channel: Channel;
  readonly channels: readonly Channel[];
  readonly payload: Uint8Array;
  readonly from: number;
  readonly to: number;
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
      else if (message.type === 'call') void this.#answer(message as Call);
    });
  }

  async close(): Promise<void> {
    await this.#connection?.close();
    this.#ended();
  }

  async #answer(call: Call): Promise<void> {
    const { id } = call;
    try {
      await this.#call(call);
      this.#tell({ type: 'answer', id });
    } catch (error) {
      this.#tell({ type: 'refusal', id, why: `${error}` });
    }
  }

  async #call({ what, identity, channel, channels, payload, from, to }: Call): Promise<void> {
    if (what === 'connect') this.#connection = await this.#connect(identity);
    else if (what === 'send') await this.#connection?.send(channel, payload);
    else if (what === 'subscribe') await this.#connection?.subscribe(channels);
    else await this.#connection?.history?.({ channels, from, to });
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

/**
 * In the child process: a transport by way of the parent's {@link NetworkBridge}.
 * @param history whether the child can ask for what it missed
 */
export function parentTransport({ history = false } = {}): Transport {
  const tell = (message: object) => process.send?.(message);
  return {
    capabilities: { maxPayloadBytes: 1024 * 1024, history, confirmsSend: true },
    async connect(party) {
      let calls = 0;
      const waiting = new Map<number, { resolve(): void; reject(error: Error): void }>();
      process.on(
        'message',
        (message: { type: string; id: number; message: TransportMessage; why: string }) => {
          if (message.type === 'answer') waiting.get(message.id)?.resolve();
          else if (message.type === 'refusal') waiting.get(message.id)?.reject(new Error(message.why));
          else if (message.type === 'deliver') {
            // What is not taken, as by a messenger that closes, is delivered again.
            void party.onMessage(message.message).then(
              () => tell({ type: 'taken', id: message.id }),
              () => {},
            );
          }
        },
      );
      const call = (what: object) =>
        new Promise<void>((resolve, reject) => {
          const id = calls++;
          waiting.set(id, { resolve, reject });
          tell({ type: 'call', id, ...what });
        });
      await call({ what: 'connect', identity: party.identity });
      return {
        send: (channel: Channel, payload: Uint8Array) => call({ what: 'send', channel, payload }),
        subscribe: (channels: readonly Channel[]) => call({ what: 'subscribe', channels }),
        ...(history && {
          history: ({ channels, from, to }: HistoryRequest) => call({ what: 'history', channels, from, to }),
        }),
        close: async () => {},
      };
    },
  };
}
