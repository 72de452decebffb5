/**
 * The requirements on every provider of primitives, as data: known answers, refusals and the ownership of bytes. They
 * need no particular test runner: run each case in yours.
 */
import { aesCases } from './crypto-provider/aes-cases.js';
import { bytesCases } from './crypto-provider/bytes-cases.js';
import { hashCases } from './crypto-provider/hash-cases.js';
import { keyDerivationCases } from './crypto-provider/key-derivation-cases.js';
import { ownershipCases } from './crypto-provider/ownership-cases.js';
import type { ProviderCase } from './crypto-provider/provider-case.js';
import { secp256k1Cases } from './crypto-provider/secp256k1-cases.js';
import { x25519Cases } from './crypto-provider/x25519-cases.js';

export { type CompareOptions, compareProviders } from './crypto-provider/compare-providers.js';
export * from './crypto-provider/ml-kem-768-cases.js';
export { byteKindCases } from './crypto-provider/ownership-cases.js';
export type { ProviderCase } from './crypto-provider/provider-case.js';
export * from './crypto-provider/random-source-cases.js';

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
