import { isSottoError } from '@sotto/core';
import type { EnvelopePolicy } from '@sotto/whisper-transport';
import { decodeEnvelope } from '@sotto/whisper-transport/whisper';

/**
 * Whether a peer is to blame for an envelope that the pool has refused. It isn't for anything that deployed nodes forward: envelopes
 * that expired on their way, or have a time to live that only we refuse; nor when the pool is full or closed.
 *
 * @param error thrown by the pool
 * @param now seconds since the epoch
 * @param tolerance seconds ago that the envelope may have expired
 */
export function isPeersFault(
  error: unknown,
  bytes: Uint8Array,
  now: number,
  tolerance: number,
  { maxTtl }: EnvelopePolicy,
): boolean {
  if (!isSottoError(error, 'MALFORMED_MESSAGE')) return false;
  try {
    const { expiry, ttl } = decodeEnvelope(bytes);
    if (expiry < now) return expiry < now - tolerance;
    return ttl > 0 && ttl <= maxTtl;
  } catch {
    return true;
  }
}
