import { encodeHex, isSottoError, SerialQueue } from '@sotto/core';
import type { ResolvedChannel } from '@sotto/whisper-transport/internal';
import { unavailableError } from '@sotto/whisper-transport/internal';
import type { JsonRpcHttp } from '../json-rpc/http-client.js';
import { invalidAnswer } from '../json-rpc/message.js';
import { isForgotten } from '../json-rpc/refusal.js';
import { JsonRpcWebSocket } from '../json-rpc/web-socket-client.js';
import { inParallel } from './in-parallel.js';
import type { NodeKeys } from './node-keys.js';

/** Our filters on a node, which are polled, or our subscriptions over a socket. */
export class NodeFilters {
  readonly #rpc: JsonRpcHttp | JsonRpcWebSocket;
  readonly #keys: NodeKeys;
  readonly #onMessage: (listened: ResolvedChannel, value: unknown) => void;
  #wanted: ReadonlyMap<string, ResolvedChannel> = new Map();
  /** The node's ids, by channel. */
  readonly #installed = new Map<string, string>();
  /** Changes run one after the other. */
  readonly #changes = new SerialQueue();
  /** Counts the sockets: a subscription belongs to one of them. */
  #era = 0;

  /** @param onMessage receives messages as the node returns them */
  constructor(
    rpc: JsonRpcHttp | JsonRpcWebSocket,
    keys: NodeKeys,
    onMessage: (listened: ResolvedChannel, value: unknown) => void,
  ) {
    this.#rpc = rpc;
    this.#keys = keys;
    this.#onMessage = onMessage;
  }

  /** Sets the channels, by their ids, for the next {@link install}: the whole list. */
  setWanted(channels: ReadonlyMap<string, ResolvedChannel>): void {
    this.#wanted = channels;
  }

  /** Number of filters on the node, as far as we know. */
  get size(): number {
    return this.#installed.size;
  }

  /** Whether all wanted filters are on the node. */
  get complete(): boolean {
    return [...this.#wanted.keys()].every((name) => this.#installed.has(name));
  }

  /** Adds and removes filters so that the node has those of the wanted channels. */
  install(): Promise<void> {
    return this.#changes.run(async () => {
      for (const [name, id] of [...this.#installed]) {
        if (this.#wanted.has(name)) continue;
        await this.#remove(id);
        this.#installed.delete(name);
      }
      const era = this.#era;
      await inParallel(this.#wanted, async ([name, channel]) => {
        if (this.#installed.has(name)) return;
        const id = await this.#add(channel);
        if (typeof id !== 'string') throw invalidAnswer('not the id of a filter');
        // The socket was lost meanwhile.
        if (era !== this.#era) throw unavailableError('the connection is lost');
        this.#installed.set(name, id);
      });
    });
  }

  /** Fetches the new messages of each filter. @returns whether the node still had all of them */
  async fetch(): Promise<boolean> {
    let complete = true;
    await inParallel([...this.#installed], async ([name, id]) => {
      const listened = this.#wanted.get(name);
      if (listened === undefined) return;
      try {
        const messages = await this.#rpc.call('shh_getFilterMessages', [id]);
        if (!Array.isArray(messages)) throw invalidAnswer('not a list of messages');
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

  /** The socket was lost, and all subscriptions with it. */
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
      // The node doesn't have it any more, which is the goal.
      if (!isSottoError(error, 'TRANSPORT_REFUSED')) throw error;
    }
  }
}
