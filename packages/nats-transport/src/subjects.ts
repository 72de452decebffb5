import { decodeHex, encodeHex, type Topic } from '@sotto/core';

/** The subject of a topic: `<prefix>.<8 hex digits>`. */
export function subjectOf(prefix: string, topic: Topic): string {
  return `${prefix}.${encodeHex(topic)}`;
}

/** Where the stream publishes again what it has stored of a topic, with its sequence: `<prefix>.live.<8 hex digits>`. */
export function liveSubjectOf(prefix: string, topic: Topic): string {
  return `${prefix}.live.${encodeHex(topic)}`;
}

/** The topic of a subject; `undefined` when it isn't one of ours. */
export function topicOf(prefix: string, subject: string): Topic | undefined {
  const text = subject.slice(prefix.length + 1);
  return subject.startsWith(`${prefix}.`) && /^([0-9a-f]{2})+$/.test(text) ? decodeHex(text) : undefined;
}
