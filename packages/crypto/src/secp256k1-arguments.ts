import {
  PRIVATE_KEY_LENGTH,
  PUBLIC_KEY_LENGTH,
  parseBytes,
  type RandomSource,
  SIGNATURE_LENGTH,
  SottoError,
  UNCOMPRESSED_PUBLIC_KEY_LENGTH,
} from '@sotto/core';

/** Bytes of a digest that ECDSA signs. */
export const DIGEST_LENGTH = 32;

/** Attempts before a random source is given up; needing even a second is as unlikely as guessing a key. */
const MAX_DRAWS = 16;

/** The first 32 bytes drawn that `isScalar` accepts. */
export function drawScalar(randomBytes: RandomSource, isScalar: (bytes: Uint8Array) => boolean): Uint8Array {
  for (let draw = 0; draw < MAX_DRAWS; draw++) {
    const candidate = randomBytes(PRIVATE_KEY_LENGTH);
    if (isScalar(candidate)) return candidate;
  }
  throw new SottoError(
    'INVALID_PRIVATE_KEY',
    `The random source returned no valid key in ${MAX_DRAWS} attempts.`,
    {
      curve: 'secp256k1',
    },
  );
}

export function invalidScalar(): SottoError {
  const message = 'The private key is zero or not below the order of the group.';
  return new SottoError('INVALID_PRIVATE_KEY', message, { curve: 'secp256k1' });
}

export function invalidPoint(bytes: Uint8Array): SottoError {
  const reason =
    bytes.length === PUBLIC_KEY_LENGTH || bytes.length === UNCOMPRESSED_PUBLIC_KEY_LENGTH
      ? 'not the encoding of a point on the curve'
      : `${bytes.length} bytes, not ${PUBLIC_KEY_LENGTH} or ${UNCOMPRESSED_PUBLIC_KEY_LENGTH}`;
  return new SottoError('INVALID_PUBLIC_KEY', `Not a secp256k1 public key: ${reason}.`, {
    curve: 'secp256k1',
    reason,
  });
}

export function invalidSignature(reason: string): SottoError {
  return new SottoError('INVALID_SIGNATURE', `Not a signature: ${reason}.`, { reason });
}

/** The recovery bit, 0 or 1, of a signature of 65 bytes. */
export function requireRecoveryBit(signature: Uint8Array): 0 | 1 {
  const v = signature[SIGNATURE_LENGTH - 1] as number;
  // 27 and 28 are how Ethereum's own tools write 0 and 1.
  if (v === 0 || v === 27) return 0;
  if (v === 1 || v === 28) return 1;
  throw invalidSignature('v must be 0, 1, 27 or 28');
}

/** Checks the form of a public key: libsecp256k1 also accepts the hybrid prefixes 06 and 07. */
export function requirePointForm(bytes: Uint8Array): void {
  const prefix = parseBytes(bytes, 'public key')[0];
  const compressed = bytes.length === PUBLIC_KEY_LENGTH && (prefix === 2 || prefix === 3);
  if (!compressed && !(bytes.length === UNCOMPRESSED_PUBLIC_KEY_LENGTH && prefix === 4)) {
    throw invalidPoint(bytes);
  }
}
