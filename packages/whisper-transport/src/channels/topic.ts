/** Bytes of a topic. */
export const TOPIC_LENGTH = 4;

/** The four bytes of a topic as an unsigned number: the key by which each incoming envelope is looked up. */
export function topicNumber(topic: Uint8Array): number {
  return new DataView(topic.buffer, topic.byteOffset).getUint32(0);
}
