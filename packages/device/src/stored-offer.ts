import type { HybridPreKey } from '@sotto/protocol-codec';

/** An offer as records keep it: without the ML-KEM prekey, that is empty. */
export interface StoredOffer {
  readonly suites: Uint8Array;
  readonly curve25519PreKey: Uint8Array;
  readonly kemPreKeyHash: Uint8Array;
  readonly kemPreKey: Uint8Array;
}

/** An offer for a record. */
export function storedOffer(offer: HybridPreKey): StoredOffer {
  return { ...offer, kemPreKey: offer.kemPreKey ?? new Uint8Array(0) };
}

/** An offer out of a record. */
export function offerOf({ kemPreKey, ...offer }: StoredOffer): HybridPreKey {
  return { ...offer, ...(kemPreKey.length > 0 && { kemPreKey }) };
}
