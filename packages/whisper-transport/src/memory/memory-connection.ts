import {
  type Channel,
  copyBytes,
  type HistoryRequest,
  type LocalParty,
  type PublicKey,
  type TransportConnection,
  type TransportMessage,
} from '@sotto/core';
import { channelKey, checkMayListen } from '../channel-key.js';
import { closedError } from '../transport-errors.js';
import type { MemoryEnd, Router, Sent } from './memory-end.js';

/** One party's end of a memory network. */
export class MemoryConnection implements TransportConnection, MemoryEnd {
  readonly #party: LocalParty;
  readonly #router: Router;
  readonly #taken = new WeakSet<Sent>();
  #listening: ReadonlySet<string> = new Set();
  #closed = false;

  constructor(party: LocalParty, router: Router) {
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
    const sent = { key: channelKey(channel), place: channel, sender: this.owner, bytes: payload };
    this.#router.send(sent, options.signal);
  }

  async listen(channels: readonly Channel[]): Promise<void> {
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
    for (const channel of channels) checkMayListen(this.owner, channel);
    return new Set(channels.map(channelKey));
  }

  #checkOpen(): void {
    if (this.#closed) throw closedError();
  }
}
