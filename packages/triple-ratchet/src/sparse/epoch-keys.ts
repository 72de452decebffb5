import { type CryptoProvider, concatBytes, copyBytes, encodeUtf8 } from '@sotto/core';
import { writeU32 } from '../big-endian.js';
import type { SparseSide } from './state.js';

const START_INFO = encodeUtf8('sotto sparse ratchet v1 start');
const EPOCH_INFO = encodeUtf8('sotto sparse ratchet v1 epoch');
const ZERO_SALT = new Uint8Array(32);

/** The keys of one epoch; 32 bytes each. */
export interface EpochKeys {
  readonly rootKey: Uint8Array;
  /** The first chain key of what we send. */
  readonly sending: Uint8Array;
  /** The first chain key of what we receive. */
  readonly receiving: Uint8Array;
}

/** `KDF_SCKA_INIT`: HKDF-SHA-256 of the secret that the session begins with. */
export function startKeys(crypto: CryptoProvider, side: SparseSide, secret: Uint8Array): EpochKeys {
  return split(side, crypto.hkdfSha256({ inputKey: secret, salt: ZERO_SALT, info: START_INFO, length: 96 }));
}

/**
 * `KDF_SCKA_RK`: HKDF-SHA-256 of the secret of an exchange, salted with the root key. What was exchanged is in the info, so that
 * both sides come to the same keys only if they saw the same key and the same ciphertext.
 * @param keyHash SHA-256 of the encapsulation key
 */
export function epochKeys(
  crypto: CryptoProvider,
  side: SparseSide,
  rootKey: Uint8Array,
  exchange: {
    readonly epoch: number;
    readonly sharedSecret: Uint8Array;
    readonly keyHash: Uint8Array;
    readonly ciphertext: Uint8Array;
  },
): EpochKeys {
  const { epoch, sharedSecret, keyHash, ciphertext } = exchange;
  const info = concatBytes(EPOCH_INFO, epochName(epoch), keyHash, crypto.sha256(ciphertext));
  return split(side, crypto.hkdfSha256({ inputKey: sharedSecret, salt: rootKey, info, length: 96 }));
}

/** The epoch as four bytes, big-endian: the name of its chains. */
export function epochName(epoch: number): Uint8Array {
  const bytes = new Uint8Array(4);
  writeU32(bytes, 0, epoch);
  return bytes;
}

/** `root key || initiator's chain || responder's chain`. */
function split(side: SparseSide, output: Uint8Array): EpochKeys {
  const part = (at: number) => copyBytes(output.subarray(at, at + 32));
  const chains = [part(32), part(64)] as const;
  const [sending, receiving] = side === 'initiator' ? chains : ([chains[1], chains[0]] as const);
  return { rootKey: part(0), sending, receiving };
}
