/**
 * What every CryptoProviderWithX25519 has to do, as data: known answers, refusals and the ownership of bytes. It needs no
 * test runner; hand each case to whichever you use.
 */
import { aesCases } from './suite/aes-cases.js';
import { bytesCases } from './suite/bytes-cases.js';
import { hashCases } from './suite/hash-cases.js';
import { keyDerivationCases } from './suite/key-derivation-cases.js';
import { ownershipCases } from './suite/ownership-cases.js';
import type { ProviderCase } from './suite/provider-case.js';
import { secp256k1Cases } from './suite/secp256k1-cases.js';
import { x25519Cases } from './suite/x25519-cases.js';

export * from './suite/compare-providers.js';
export type { ProviderCase } from './suite/provider-case.js';
export * from './suite/random-source-cases.js';

/** The requirements on every provider. They are independent of one another and may run in any order. */
export function providerCases(): readonly ProviderCase[] {
  return [
    ...secp256k1Cases(),
    ...x25519Cases(),
    ...hashCases(),
    ...keyDerivationCases(),
    ...aesCases(),
    ...bytesCases(),
    ...ownershipCases(),
  ];
}
