import type { Topic } from '@sotto/core';

/** Bytes of a bloom filter: 512 bits. */
export const BLOOM_LENGTH = 64;

/** The three bits of a topic: index j is `topic[j] + 256 * bit j of topic[3]`. Wire profile, section 7. */
function bitsOf(topic: Topic): readonly number[] {
  return [0, 1, 2].map((j) => (topic[j] as number) + (((topic[3] as number) >> j) & 1 ? 256 : 0));
}

/**
 * The bloom filter of a topic as deployed nodes compute it: when two of the three bits fall into one byte, the later one replaces the
 * earlier. It predicts what such a node forwards.
 */
export function bloomOf(topic: Topic): Uint8Array {
  const bloom = new Uint8Array(BLOOM_LENGTH);
  for (const bit of bitsOf(topic)) bloom[bit >> 3] = 1 << (bit & 7);
  return bloom;
}

/** A bloom filter that matches all of these topics, however a node computes theirs: for advertising them. */
export function bloomOfTopics(topics: Iterable<Topic>): Uint8Array {
  const bloom = new Uint8Array(BLOOM_LENGTH);
  for (const topic of topics) {
    for (const bit of bitsOf(topic)) bloom[bit >> 3] = (bloom[bit >> 3] as number) | (1 << (bit & 7));
  }
  return bloom;
}

/** Whether a bloom filter matches a topic, as deployed nodes decide. */
export function matchesBloom(filter: Uint8Array, topic: Topic): boolean {
  return bloomOf(topic).every((byte, i) => (byte & (filter[i] as number)) === byte);
}
