import { compareBytes } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import type { HybridPreKey } from '@sotto/protocol-codec';

/** Number of the suite of PQXDH and the Triple Ratchet. The deployed suite has no number on the wire. */
export const HYBRID_SUITE = 2;

/** Stands in an offer beside {@link HYBRID_SUITE}: messages in its sessions may come sealed, so that nothing outside of them names the sender. */
export const SEALED_SENDER = 0x82;

const KEY_LENGTH = 32;

/** Whether an offer names the hybrid suite. */
export function offersHybrid(offer: HybridPreKey | undefined): offer is HybridPreKey {
  return offer?.suites.includes(HYBRID_SUITE) ?? false;
}

/** Whether an offer names the hybrid suite and sealed messages in it. */
export function offersSealed(offer: HybridPreKey | undefined): boolean {
  return offersHybrid(offer) && offer.suites.includes(SEALED_SENDER);
}

/** Whether something that was offered isn't any more. */
export function isLowered(before: HybridPreKey | undefined, now: HybridPreKey | undefined): boolean {
  return before?.suites.some((suite) => !now?.suites.includes(suite)) ?? false;
}

/**
 * What a device offers by a bundle with a strict signature. An ML-KEM prekey that the signed hash doesn't name is left out: whoever
 * forwards a bundle may have put it there.
 * @returns `malformed` when no honest device offers this
 */
export function checkOffer(
  crypto: Pick<CryptoProvider, 'sha256'>,
  offer: HybridPreKey,
): HybridPreKey | 'malformed' | undefined {
  if (!offersHybrid(offer)) return undefined;
  const { suites, curve25519PreKey, kemPreKeyHash, kemPreKey } = offer;
  if (curve25519PreKey.length !== KEY_LENGTH || kemPreKeyHash.length !== KEY_LENGTH) return 'malformed';
  const named = kemPreKey !== undefined && compareBytes(crypto.sha256(kemPreKey), kemPreKeyHash) === 0;
  return { suites, curve25519PreKey, kemPreKeyHash, ...(named && { kemPreKey }) };
}

/** Whether two offers have the same keys, with or without the ML-KEM prekey itself. */
export function isSameOffer(a: HybridPreKey, b: HybridPreKey): boolean {
  return (
    compareBytes(a.suites, b.suites) === 0 &&
    compareBytes(a.curve25519PreKey, b.curve25519PreKey) === 0 &&
    compareBytes(a.kemPreKeyHash, b.kemPreKeyHash) === 0
  );
}
