import type { CarrierCapabilities } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import { checkEnvelope, checkLifetime, type EnvelopePolicy } from '../envelope/check.js';
import { decodeEnvelope, encodeEnvelope, encodeWithoutNonce } from '../envelope/envelope.js';
import { peekTopic } from '../envelope/peek-topic.js';
import { type Miner, powBits } from '../mining/miner.js';
import { readable } from '../support/readable.js';
import type { EnvelopeFormat } from './envelope-format.js';

/** What {@link createWhisperFormat} needs. */
interface WhisperFormatOptions {
  readonly crypto: CryptoProvider;
  /** Seconds until envelopes expire. */
  readonly ttl: number;
  readonly policy: EnvelopePolicy;
  /** Read for each envelope, as requirements may change. */
  readonly capabilities: CarrierCapabilities;
  readonly miner: Miner;
}

/** Whisper envelopes, which have a time to live and proof of work. Wire profile, section 7. */
export function createWhisperFormat(options: WhisperFormatOptions): EnvelopeFormat {
  const { crypto, ttl, policy, capabilities, miner } = options;
  return {
    async encode(topic, data, now, signal) {
      const expiry = Math.floor(now / 1000) + ttl;
      const unmined = { expiry, ttl, topic, data };
      // A peer whose clock is behind ours sees a longer lifetime; one second more for the transit.
      const required = capabilities.minimumPow * (1 + (policy.maxAhead + 1) / ttl);
      const target = Math.max(policy.minimumPow, required);
      const prefix = encodeWithoutNonce(unmined);
      const nonce =
        target > 0 ? await miner.mine(prefix, powBits(target, prefix.length, ttl), { signal }) : 0n;
      return { envelope: encodeEnvelope({ ...unmined, nonce }), expiry };
    },
    topicOf: (envelope) => peekTopic(envelope),
    decode(bytes) {
      const envelope = decodeEnvelope(bytes);
      const { expiry, data } = envelope;
      return {
        data,
        expiry,
        ttl: envelope.ttl,
        sentAt: (expiry - envelope.ttl) * 1000,
        isInTime(milliseconds, fromHistory) {
          const now = Math.floor(milliseconds / 1000);
          const then = fromHistory ? Math.min(now, expiry) : now;
          const checked = readable(() => {
            if (policy.minimumPow > 0) checkEnvelope(crypto, envelope, then, policy);
            else checkLifetime(envelope, then, policy);
            return true;
          });
          return checked ?? false;
        },
      };
    },
  };
}
