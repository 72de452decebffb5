import {
  ML_KEM_768_CIPHERTEXT_LENGTH,
  PUBLIC_KEY_LENGTH,
  parseBytes,
  parseObject,
  SottoError,
} from '@sotto/core';

/** Length in bytes of the digest of a device's entry in a bundle. */
export const PQXDH_DIGEST_LENGTH = 32;

/** Length in bytes of an X25519 public key. */
const CURVE25519_KEY_LENGTH = 32;

/** What the responder needs of the initiator: goes with every message until the responder answers. Not secret. */
export interface PqxdhHeader {
  /** The suite of the session, which both have in their bundles; 0 to 2^32 - 1. */
  readonly suite: number;
  /** `EK_A`, 33 bytes, compressed SEC1. */
  readonly ephemeralKey: Uint8Array;
  /** The initiator's ephemeral X25519 key, 32 bytes; `undefined` when the responder has no Curve25519 prekey. */
  readonly curve25519Key: Uint8Array | undefined;
  /** 1088 bytes, made with the responder's ML-KEM-768 prekey. */
  readonly kemCiphertext: Uint8Array;
  /** `SPK_B`, 33 bytes: names the prekeys that the initiator used. */
  readonly signedPreKey: Uint8Array;
  /** Digest of the initiator's device as it stands in the initiator's bundle, 32 bytes. */
  readonly bundleDigest: Uint8Array;
}

/**
 * Checks the shape of a header from outside.
 * @throws MALFORMED_MESSAGE, INVALID_ARGUMENT
 */
export function checkHeader(header: PqxdhHeader): void {
  parseObject(header, 'PQXDH header', 'ephemeralKey', 'kemCiphertext', 'signedPreKey', 'bundleDigest');
  requireFieldLength('ephemeral key', header.ephemeralKey, PUBLIC_KEY_LENGTH);
  if (header.curve25519Key !== undefined) {
    requireFieldLength('Curve25519 key', header.curve25519Key, CURVE25519_KEY_LENGTH);
  }
  requireFieldLength('KEM ciphertext', header.kemCiphertext, ML_KEM_768_CIPHERTEXT_LENGTH);
  requireFieldLength('signed prekey', header.signedPreKey, PUBLIC_KEY_LENGTH);
  requireFieldLength('bundle digest', header.bundleDigest, PQXDH_DIGEST_LENGTH);
}

/** The error of a header that can't be accepted. */
export function malformedHeader(reason: string): SottoError {
  return new SottoError('MALFORMED_MESSAGE', `The PQXDH header can't be accepted: ${reason}.`, {
    what: 'PQXDH header',
    reason,
  });
}

function requireFieldLength(what: string, bytes: Uint8Array, length: number): void {
  if (parseBytes(bytes, what).length === length) return;
  throw malformedHeader(`${what} of ${bytes.length} bytes, not ${length}`);
}
