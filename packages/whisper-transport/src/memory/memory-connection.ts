import {
  type Channel,
  type ConnectOptions,
  copyBytes,
  type HistoryRequest,
  type PublicKey,
  type SendMessageOptions,
  type TransportConnection,
  type TransportMessage,
} from '@sotto/core';
import { channelId, checkMaySubscribe } from '../channels/channel-id.js';
import { closedError } from '../support/transport-errors.js';
import type { MemoryEndpoint, Router, Sent } from './endpoint.js';

/** A transport connection to a memory network. */
export class MemoryConnection implements TransportConnection, MemoryEndpoint {
  readonly #options: ConnectOptions;
  readonly #router: Router;
  readonly #received = new WeakSet<Sent>();
  #subscribed: ReadonlySet<string> = new Set();
  #closed = false;

  constructor(options: ConnectOptions, router: Router) {
    this.#options = options;
    this.#router = router;
  }

  // For the network

  get owner(): PublicKey {
    return this.#options.identity.publicKey;
  }

  isSubscribed(key: string): boolean {
    return !this.#closed && this.#subscribed.has(key);
  }

  has(sent: Sent): boolean {
    return this.#received.has(sent);
  }

  async deliver(sent: Sent, fromHistory: boolean): Promise<boolean> {
    const message: TransportMessage = {
      sender: copyBytes(sent.sender as PublicKey) as PublicKey,
      payload: copyBytes(sent.bytes),
      channel: sent.target as Channel,
      sentAt: sent.sentAt,
      fromHistory,
    };
    try {
      await this.#options.onMessage(message);
      this.#received.add(sent);
      return true;
    } catch {
      return false;
    }
  }

  reportStatus(status: 'connected' | 'reconnecting'): void {
    this.#options.onStatus?.(status);
  }

  // For the application

  async send(channel: Channel, payload: Uint8Array, options: SendMessageOptions = {}): Promise<void> {
    this.#checkOpen();
    const { signer, signal } = options;
    const sender = copyBytes(signer?.publicKey ?? this.owner) as PublicKey;
    this.#router.send(
      { key: channelId(channel), target: channel, from: this.owner, sender, bytes: payload },
      signal,
    );
  }

  async subscribe(channels: readonly Channel[]): Promise<void> {
    this.#checkOpen();
    this.#subscribed = this.#keysOf(channels);
  }

  async history(request: HistoryRequest): Promise<void> {
    this.#checkOpen();
    await this.#router.history(this, this.#keysOf(request.channels), request);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#router.leave(this);
    this.#options.onStatus?.('closed');
  }

  #keysOf(channels: readonly Channel[]): ReadonlySet<string> {
    for (const channel of channels) checkMaySubscribe(this.owner, channel);
    return new Set(channels.map(channelId));
  }

  #checkOpen(): void {
    if (this.#closed) throw closedError();
  }
}
