import type { Topic } from '@sotto/core';
import { topicNumber } from './topic.js';

/**
 * Envelopes by their topic. Most topics have one envelope, which is kept as it is: a set for each would cost more than
 * the rest of the index.
 */
export class TopicIndex<T extends { readonly envelope: { readonly topic: Topic } }> {
  readonly #envelopes = new Map<number, T | Set<T>>();

  /** Topics that some envelope has. */
  get size(): number {
    return this.#envelopes.size;
  }

  /** In the order in which they were added. */
  get(topic: Topic): Iterable<T> {
    const found = this.#envelopes.get(topicNumber(topic));
    if (found === undefined) return [];
    return found instanceof Set ? found.values() : [found];
  }

  /** Adds one that is not in it. */
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
