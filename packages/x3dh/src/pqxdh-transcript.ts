import { concatBytes, encodeUtf8 } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';

/** Names protocol and version, in everything that is derived. */
export const PQXDH_NAME: Uint8Array = encodeUtf8('sotto pqxdh v1');

/** What both sides have to agree on, in the order in which it is hashed. */
export interface PqxdhTranscript {
  readonly suite: number;
  readonly initiator: PqxdhParty;
  readonly responder: PqxdhParty;
  /** 33 bytes. */
  readonly signedPreKey: Uint8Array;
  /** 32 bytes. */
  readonly curve25519PreKey: Uint8Array | undefined;
  /** 1184 bytes. */
  readonly kemPreKey: Uint8Array;
  /** 33 bytes. */
  readonly ephemeralKey: Uint8Array;
  /** 32 bytes. */
  readonly curve25519Key: Uint8Array | undefined;
  /** 1088 bytes. */
  readonly kemCiphertext: Uint8Array;
}

/** One side of a handshake. */
interface PqxdhParty {
  /** 33 bytes. */
  readonly identity: Uint8Array;
  readonly installationId: string;
  /** 32 bytes. */
  readonly bundleDigest: Uint8Array;
}

const NOTHING = new Uint8Array(0);

/**
 * SHA-256, 32 bytes, of the handshake: each part as `BE32(length) || part`, so that nothing can be moved across a border;
 * a key that isn't there is a part of no bytes. In order: name of protocol and version, `BE32(suite)`; then of the initiator, and of
 * the responder, identity, installation id in UTF-8, digest of the device's entry; then signed prekey, Curve25519 prekey, SHA-256
 * of the KEM prekey; ephemeral key, ephemeral Curve25519 key, KEM ciphertext.
 */
export function hashTranscript(crypto: CryptoProvider, transcript: PqxdhTranscript): Uint8Array {
  const { initiator, responder } = transcript;
  const parts = [
    PQXDH_NAME,
    bigEndian(transcript.suite),
    ...[initiator, responder].flatMap(({ identity, installationId, bundleDigest }) => [
      identity,
      encodeUtf8(installationId),
      bundleDigest,
    ]),
    transcript.signedPreKey,
    transcript.curve25519PreKey ?? NOTHING,
    crypto.sha256(transcript.kemPreKey),
    transcript.ephemeralKey,
    transcript.curve25519Key ?? NOTHING,
    transcript.kemCiphertext,
  ];
  return crypto.sha256(concatBytes(...parts.flatMap((part) => [bigEndian(part.length), part])));
}

/** Four bytes. */
export function bigEndian(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}
