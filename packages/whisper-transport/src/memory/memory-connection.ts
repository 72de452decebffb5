import {
  type Channel,
  type ConnectOptions,
  copyBytes,
  type HistoryRequest,
  type PublicKey,
  type TransportConnection,
  type TransportMessage,
} from '@sotto/core';
import { channelId, checkMaySubscribe } from '../channel-id.js';
import { closedError } from '../transport-errors.js';
import type { MemoryEndpoint, Router, Sent } from './endpoint.js';

/** One party's end of a memory network. */
export class MemoryConnection implements TransportConnection, MemoryEndpoint {
  readonly #party: ConnectOptions;
  readonly #router: Router;
  readonly #taken = new WeakSet<Sent>();
  #listening: ReadonlySet<string> = new Set();
  #closed = false;

  constructor(party: ConnectOptions, router: Router) {
    this.#party = party;
    this.#router = router;
  }

  // For the network

  get owner(): PublicKey {
    return this.#party.identity.publicKey;
  }

  listensTo(key: string): boolean {
    return !this.#closed && this.#listening.has(key);
  }

  has(sent: Sent): boolean {
    return this.#taken.has(sent);
  }

  async hand(sent: Sent, fromHistory: boolean): Promise<boolean> {
    const message: TransportMessage = {
      sender: copyBytes(sent.sender as PublicKey) as PublicKey,
      payload: copyBytes(sent.bytes),
      channel: sent.place as Channel,
      sentAt: sent.sentAt,
      fromHistory,
    };
    try {
      await this.#party.onMessage(message);
      this.#taken.add(sent);
      return true;
    } catch {
      return false;
    }
  }

  tellStatus(status: 'connected' | 'reconnecting'): void {
    this.#party.onStatus?.(status);
  }

  // For who is connected

  async send(
    channel: Channel,
    payload: Uint8Array,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<void> {
    this.#checkOpen();
    const sent = { key: channelId(channel), place: channel, sender: this.owner, bytes: payload };
    this.#router.send(sent, options.signal);
  }

  async subscribe(channels: readonly Channel[]): Promise<void> {
    this.#checkOpen();
    this.#listening = this.#keysOf(channels);
  }

  async history(request: HistoryRequest): Promise<void> {
    this.#checkOpen();
    await this.#router.history(this, this.#keysOf(request.channels), request);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#router.leave(this);
    this.#party.onStatus?.('closed');
  }

  #keysOf(channels: readonly Channel[]): ReadonlySet<string> {
    for (const channel of channels) checkMaySubscribe(this.owner, channel);
    return new Set(channels.map(channelId));
  }

  #checkOpen(): void {
    if (this.#closed) throw closedError();
  }
}
