import type { Topic } from '@sotto/core';
import { topicNumber } from '../channels/topic.js';

/**
 * Envelopes by topic. Most topics have a single envelope, which is stored without a set: sets would take more memory than the rest of
 * the index.
 */
export class TopicIndex<T extends { readonly envelope: { readonly topic: Topic } }> {
  readonly #envelopes = new Map<number, T | Set<T>>();

  /** Number of topics. */
  get size(): number {
    return this.#envelopes.size;
  }

  /** In insertion order. */
  get(topic: Topic): Iterable<T> {
    const found = this.#envelopes.get(topicNumber(topic));
    if (found === undefined) return [];
    return found instanceof Set ? found.values() : [found];
  }

  /** Adds an envelope that is not in the index. */
  add(pooled: T): void {
    const topic = topicNumber(pooled.envelope.topic);
    const found = this.#envelopes.get(topic);
    if (found === undefined) this.#envelopes.set(topic, pooled);
    else if (found instanceof Set) found.add(pooled);
    else this.#envelopes.set(topic, new Set([found, pooled]));
  }

  remove(pooled: T): void {
    const topic = topicNumber(pooled.envelope.topic);
    const found = this.#envelopes.get(topic);
    if (found instanceof Set) {
      found.delete(pooled);
      if (found.size === 0) this.#envelopes.delete(topic);
    } else if (found === pooled) {
      this.#envelopes.delete(topic);
    }
  }

  clear(): void {
    this.#envelopes.clear();
  }
}
