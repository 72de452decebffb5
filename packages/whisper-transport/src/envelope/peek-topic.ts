import type { Topic } from '@sotto/core';
import { TOPIC_LENGTH } from '../channels/topic.js';

/**
 * The topic of an encoded envelope, as a view, without decoding the rest: unwanted envelopes cost little. For bytes that aren't a valid
 * envelope it returns `undefined` or any four bytes: only `decodeEnvelope` validates.
 */
export function peekTopic(bytes: Uint8Array): Topic | undefined {
  const prefix = bytes[0] ?? 0;
  if (prefix < 0xc0) return undefined;
  let at = prefix < 0xf8 ? 1 : 2 + prefix - 0xf8;
  // Expiry and TTL: integers of a few bytes, so their prefix has their length, if they have one.
  for (let i = 0; i < 2; i++) {
    const first = bytes[at] ?? 0xff;
    if (first > 0x84) return undefined;
    at += first < 0x80 ? 1 : 1 + first - 0x80;
  }
  const end = at + 1 + TOPIC_LENGTH;
  return bytes[at] === 0x80 + TOPIC_LENGTH && end <= bytes.length ? bytes.subarray(at + 1, end) : undefined;
}
