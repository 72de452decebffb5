import { copyBytes } from '@sotto/core';
import type { EnvelopeFormat } from './envelope-format.js';

/** Seconds for which an envelope counts as prompt, in estimates of the time. */
const PROMPT_SECONDS = 20;

/**
 * The payloads of Waku's RFC 26: the sealed data of a Whisper envelope without the envelope. The carrier reports topic and time; they
 * don't expire, and take no proof of work.
 */
export const rfc26Format: EnvelopeFormat = Object.freeze({
  async encode(_topic, data, now) {
    return { envelope: data, expiry: Number.POSITIVE_INFINITY, sentAt: now };
  },
  topicOf: (_envelope, carriersTopic) => carriersTopic,
  decode(envelope, reportedAt) {
    return {
      data: copyBytes(envelope),
      expiry: reportedAt / 1000 + PROMPT_SECONDS,
      ttl: PROMPT_SECONDS,
      sentAt: reportedAt,
      isInTime: () => true,
    };
  },
} satisfies EnvelopeFormat);
