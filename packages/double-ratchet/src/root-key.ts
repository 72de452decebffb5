import { copyBytes, encodeUtf8 } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';

const ROOT_INFO = encodeUtf8('rsZUpEuXUqqwXBvSy3EcievAh4cMj6QL');

/** The keys from one step of the DH ratchet; 32 bytes each. */
export interface RootStep {
  readonly rootKey: Uint8Array;
  readonly chainKey: Uint8Array;
  /** Derived by deployed peers for header encryption, which none of them uses. */
  readonly headerKey: Uint8Array;
}

/** `KdfRK` of the wire profile, section 4: HKDF-SHA-256 of the DH output, salted with the root key. */
export function stepRootKey(crypto: CryptoProvider, rootKey: Uint8Array, dhOutput: Uint8Array): RootStep {
  const output = crypto.hkdfSha256({ inputKey: dhOutput, salt: rootKey, info: ROOT_INFO, length: 96 });
  const part = (at: number) => copyBytes(output.subarray(at, at + 32));
  return { rootKey: part(0), chainKey: part(32), headerKey: part(64) };
}
