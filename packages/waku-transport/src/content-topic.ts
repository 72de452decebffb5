import { copyBytes, decodeHex, encodeHex, invalidArgument, type Topic } from '@sotto/core';

/** The pubsub topic on which deployed Status clients talk: cluster 16, shard 32. */
export const STATUS_PUBSUB_TOPIC = '/waku/2/rs/16/32';

/** Bytes of a topic. */
const TOPIC_LENGTH = 4;

/** The content topic of a topic of 4 bytes: `/waku/1/0x<8 hex digits>/rfc26`. */
export function contentTopicOf(topic: Topic): string {
  return `/waku/1/0x${encodeHex(topic)}/rfc26`;
}

/**
 * The topic of a content topic, 4 bytes: as deployed clients read it, digits that are missing count as zeros, and more than eight are
 * cut off.
 * @returns `undefined` when it has another form
 */
export function topicOfContentTopic(contentTopic: string): Topic | undefined {
  const [, digits] = /^\/waku\/1\/0x((?:[0-9a-fA-F]{2})*)\/rfc26$/.exec(contentTopic) ?? [];
  if (digits === undefined) return undefined;
  const topic = new Uint8Array(TOPIC_LENGTH);
  topic.set(decodeHex(digits.slice(0, 2 * TOPIC_LENGTH)));
  return copyBytes(topic);
}

/**
 * The pubsub topic of a static shard: `/waku/2/rs/<cluster>/<shard>`.
 * @throws INVALID_ARGUMENT unless both are whole numbers from 0 to 65,535
 */
export function pubsubTopicOf(cluster: number, shard: number): string {
  for (const [what, value] of Object.entries({ cluster, shard })) {
    if (!Number.isInteger(value) || value < 0 || value > 0xffff)
      throw invalidArgument(what, 'not a whole number from 0 to 65,535');
  }
  return `/waku/2/rs/${cluster}/${shard}`;
}
