import {
  type CarrierConnection,
  type CarrierHandler,
  copyBytes,
  encodeHex,
  type PublicKey,
  parseBytes,
  type Topic,
} from '@sotto/core';
import { closedError } from '../support/transport-errors.js';
import type { MemoryEndpoint, Router, Sent } from './endpoint.js';

const topicKey = (topic: Topic) => `topic:${encodeHex(topic)}`;

/** A carrier connection to a memory network. */
export class MemoryCarrierConnection implements CarrierConnection, MemoryEndpoint {
  readonly owner: PublicKey | undefined;
  readonly #handler: CarrierHandler;
  readonly #router: Router;
  readonly #received = new WeakSet<Sent>();
  #subscribed: ReadonlySet<string> = new Set();
  #closed = false;

  constructor(handler: CarrierHandler, owner: PublicKey | undefined, router: Router) {
    this.#handler = handler;
    this.owner = owner;
    this.#router = router;
  }

  // For the network

  isSubscribed(key: string): boolean {
    return !this.#closed && this.#subscribed.has(key);
  }

  has(sent: Sent): boolean {
    return this.#received.has(sent);
  }

  async deliver(sent: Sent, fromHistory: boolean): Promise<boolean> {
    this.#received.add(sent);
    await this.#handler.onEnvelope(copyBytes(sent.target as Topic), copyBytes(sent.bytes), fromHistory);
    return true;
  }

  reportStatus(status: 'connected' | 'reconnecting'): void {
    this.#handler.onStatus?.(status);
  }

  // For the application

  async publish(
    topic: Topic,
    envelope: Uint8Array,
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<void> {
    this.#checkOpen();
    parseBytes(envelope, 'envelope');
    const target = copyBytes(topic, 'topic');
    this.#router.send(
      { key: topicKey(target as Topic), target, from: this.owner, sender: undefined, bytes: envelope },
      options.signal,
    );
  }

  async subscribe(topics: readonly Topic[]): Promise<void> {
    this.#checkOpen();
    this.#subscribed = new Set(topics.map(topicKey));
  }

  async history(
    topics: readonly Topic[],
    from: number,
    to: number,
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<void> {
    this.#checkOpen();
    await this.#router.history(this, new Set(topics.map(topicKey)), { from, to, ...options });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#router.leave(this);
    this.#handler.onStatus?.('closed');
  }

  #checkOpen(): void {
    if (this.#closed) throw closedError();
  }
}
