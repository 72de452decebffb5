import { SottoError } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import { type Envelope, proofOfWork } from './envelope.js';
import { DEFAULT_MINIMUM_POW } from './limits.js';

/** Requirements on envelopes. */
export interface EnvelopePolicy {
  /** Least proof of work. Default 0.002, what deployed nodes require. */
  readonly minimumPow: number;
  /**
   * Longest time to live in seconds. Default 300: clients use 15, and a node has to remember envelopes that long.
   */
  readonly maxTtl: number;
  /** How far a sender's clock may be ahead, in seconds. Default 10, as with deployed nodes. */
  readonly maxAhead: number;
}

/** The requirements of deployed nodes, with a limit for the time to live. */
export const DEFAULT_ENVELOPE_POLICY: EnvelopePolicy = {
  minimumPow: DEFAULT_MINIMUM_POW,
  maxTtl: 300,
  maxAhead: 10,
};

/**
 * Checks that an envelope meets the requirements. Cheap checks come first; the proof of work costs one hash.
 *
 * @param now seconds since the epoch
 * @returns its proof of work
 * @throws MALFORMED_MESSAGE with the reason
 */
export function checkEnvelope(
  crypto: CryptoProvider,
  envelope: Envelope,
  now: number,
  policy: EnvelopePolicy = DEFAULT_ENVELOPE_POLICY,
): number {
  checkLifetime(envelope, now, policy);
  const pow = proofOfWork(crypto, envelope);
  if (!(pow >= policy.minimumPow)) throw refusal('too little proof of work');
  return pow;
}

/**
 * The checks of {@link checkEnvelope} before the proof of work, for carriers that require none.
 * @throws MALFORMED_MESSAGE with the reason
 */
export function checkLifetime({ expiry, ttl }: Envelope, now: number, policy: EnvelopePolicy): void {
  if (ttl === 0) throw refusal('it has no time to live');
  if (ttl > policy.maxTtl) throw refusal(`it would live more than ${policy.maxTtl} s`);
  if (expiry < ttl) throw refusal('it expires before it can have been sealed');
  if (expiry - ttl > now + policy.maxAhead) throw refusal('it was sealed in the future');
  if (expiry < now) throw refusal('it has expired');
}

function refusal(reason: string): SottoError {
  return new SottoError('MALFORMED_MESSAGE', `The envelope is refused: ${reason}.`, {
    what: 'envelope',
    reason,
  });
}
