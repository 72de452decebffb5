import { encodeHex, isSottoError } from '@sotto/core';
import type { ResolvedChannel } from '@sotto/whisper-transport/internal';
import { unavailableError } from '@sotto/whisper-transport/internal';
import type { JsonRpcHttp } from '../json-rpc/http-client.js';
import { notUnderstood } from '../json-rpc/message.js';
import { isForgotten } from '../json-rpc/refusal.js';
import { JsonRpcWebSocket } from '../json-rpc/web-socket-client.js';
import { inParallel } from './in-parallel.js';
import type { NodeKeys } from './node-keys.js';

/** What we listen to on a node: filters that are polled, or subscriptions of a socket. */
export class NodeFilters {
  readonly #rpc: JsonRpcHttp | JsonRpcWebSocket;
  readonly #keys: NodeKeys;
  readonly #onMessage: (listened: ResolvedChannel, value: unknown) => void;
  #wanted: ReadonlyMap<string, ResolvedChannel> = new Map();
  /** The node's ids, by channel. */
  readonly #installed = new Map<string, string>();
  /** They are changed by one at a time. */
  #installing: Promise<unknown> = Promise.resolve();
  /** Counts the sockets; a subscription is of one of them. */
  #era = 0;

  /** @param onMessage gets what the node gives, as it is */
  constructor(
    rpc: JsonRpcHttp | JsonRpcWebSocket,
    keys: NodeKeys,
    onMessage: (listened: ResolvedChannel, value: unknown) => void,
  ) {
    this.#rpc = rpc;
    this.#keys = keys;
    this.#onMessage = onMessage;
  }

  /** Sets what {@link install} makes the node give: channels by their names, all of them. */
  want(channels: ReadonlyMap<string, ResolvedChannel>): void {
    this.#wanted = channels;
  }

  /** How many the node has, as far as is known. */
  get size(): number {
    return this.#installed.size;
  }

  /** Whether the node has all that are wanted. */
  get complete(): boolean {
    return [...this.#wanted.keys()].every((name) => this.#installed.has(name));
  }

  /** Makes the node's filters those of the channels wanted. */
  install(): Promise<void> {
    return this.#alone(async () => {
      for (const [name, id] of [...this.#installed]) {
        if (this.#wanted.has(name)) continue;
        await this.#remove(id);
        this.#installed.delete(name);
      }
      const era = this.#era;
      await inParallel(this.#wanted, async ([name, channel]) => {
        if (this.#installed.has(name)) return;
        const id = await this.#add(channel);
        if (typeof id !== 'string') throw notUnderstood('no id of a filter');
        // Of a socket that is gone by now.
        if (era !== this.#era) throw unavailableError('the connection is lost');
        this.#installed.set(name, id);
      });
    });
  }

  /** Asks each filter for what came since. @returns whether the node knew all of them */
  async fetch(): Promise<boolean> {
    let complete = true;
    await inParallel([...this.#installed], async ([name, id]) => {
      const listened = this.#wanted.get(name);
      if (listened === undefined) return;
      try {
        const messages = await this.#rpc.call('shh_getFilterMessages', [id]);
        if (!Array.isArray(messages)) throw notUnderstood('no list of messages');
        for (const message of messages) this.#onMessage(listened, message);
      } catch (error) {
        if (!isForgotten(error)) throw error;
        if (this.#installed.get(name) !== id) return;
        this.#installed.delete(name);
        complete = false;
      }
    });
    return complete;
  }

  /** The socket is gone, and all subscriptions with it. */
  lost(): void {
    this.#era++;
    this.#installed.clear();
  }

  /** Removes every filter from the node. */
  async removeAll(): Promise<void> {
    await inParallel([...this.#installed.values()], (id) => this.#remove(id));
  }

  async #add(listened: ResolvedChannel): Promise<unknown> {
    const { topic, cipher } = listened;
    const key =
      cipher.kind === 'symmetric'
        ? { symKeyID: await this.#keys.symmetric(cipher.key) }
        : { privateKeyID: await this.#keys.identity() };
    const criteria = { ...key, topics: [`0x${encodeHex(topic)}`] };
    return this.#rpc instanceof JsonRpcWebSocket
      ? this.#rpc.subscribe('shh', ['messages', criteria], (value) => this.#onMessage(listened, value))
      : this.#rpc.call('shh_newMessageFilter', [criteria]);
  }

  async #remove(id: string): Promise<void> {
    try {
      if (this.#rpc instanceof JsonRpcWebSocket) await this.#rpc.unsubscribe('shh', id);
      else await this.#rpc.call('shh_deleteMessageFilter', [id]);
    } catch (error) {
      // The node has not got it any more, which is what was wanted.
      if (!isSottoError(error, 'TRANSPORT_REFUSED')) throw error;
    }
  }

  #alone<T>(run: () => Promise<T>): Promise<T> {
    const result = this.#installing.then(run);
    this.#installing = result.catch(() => {});
    return result;
  }
}
