import { compareBytes, concatBytes, copyBytes, encodeUtf8, type KeyPair, type PublicKey } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';

/*
 * Chunks of Swarm (Book of Swarm, 2.2): content-addressed by the root of a binary Merkle tree, and single-owner, whose address
 * follows from an owner and an identifier, and which the owner signs. A sequence feed is a row of the latter.
 */

/** Most bytes in a chunk. */
export const MAX_PAYLOAD_BYTES = 4096;
/** Bytes of a single-owner chunk before its payload: identifier, signature, span. */
const HEAD_BYTES = 32 + 65 + 8;
/** Most bytes of a single-owner chunk. */
export const MAX_CHUNK_BYTES = HEAD_BYTES + MAX_PAYLOAD_BYTES;
const SEGMENT_PAIR_BYTES = 64;

/** The Ethereum address of a public key, 20 bytes. */
export function addressOf(crypto: CryptoProvider, publicKey: Uint8Array): Uint8Array {
  return copyBytes(
    crypto.keccak256(crypto.secp256k1.uncompressPublicKey(publicKey).subarray(1)).subarray(12),
  );
}

/** Address of the content-addressed chunk with this payload of 1 to 4096 bytes: 32 bytes. */
export function contentAddress(crypto: CryptoProvider, payload: Uint8Array): Uint8Array {
  let level = new Uint8Array(MAX_PAYLOAD_BYTES);
  level.set(payload);
  while (level.length > 32) {
    const next = new Uint8Array(level.length / 2);
    for (let at = 0; at < level.length; at += SEGMENT_PAIR_BYTES) {
      next.set(crypto.keccak256(level.subarray(at, at + SEGMENT_PAIR_BYTES)), at / 2);
    }
    level = next;
  }
  return crypto.keccak256(spanOf(payload), level);
}

/** Identifier of an update of a sequence feed, 32 bytes. */
export function feedIdentifier(crypto: CryptoProvider, topic: Uint8Array, index: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, index);
  return crypto.keccak256(topic, bytes);
}

/** Address of the single-owner chunk with an identifier, 32 bytes. */
export function ownedAddress(crypto: CryptoProvider, identifier: Uint8Array, owner: Uint8Array): Uint8Array {
  return crypto.keccak256(identifier, owner);
}

/** A signature of a single-owner chunk, 65 bytes `r || s || v` with `v` 27 or 28, as Ethereum signs messages (EIP-191). */
export function signChunk(
  crypto: CryptoProvider,
  owner: KeyPair,
  identifier: Uint8Array,
  payload: Uint8Array,
): Uint8Array {
  const signature = crypto.secp256k1.signRecoverable(
    signedDigest(crypto, identifier, payload),
    owner.privateKey,
  );
  return concatBytes(signature.subarray(0, 64), Uint8Array.of(27 + (signature[64] as number)));
}

/** What a node takes of a chunk beside its signature: `span || payload`. */
export function spanAndPayload(payload: Uint8Array): Uint8Array {
  return concatBytes(spanOf(payload), payload);
}

/**
 * The payload of a single-owner chunk, fresh.
 * @returns why it isn't the chunk of this owner with this identifier, as a text, where it isn't
 */
export function openChunk(
  crypto: CryptoProvider,
  chunk: Uint8Array,
  owner: PublicKey,
  identifier: Uint8Array,
): Uint8Array | string {
  if (chunk.length <= HEAD_BYTES || chunk.length > MAX_CHUNK_BYTES) return 'not a single-owner chunk';
  if (compareBytes(chunk.subarray(0, 32), identifier) !== 0) return 'a chunk with another identifier';
  const payload = copyBytes(chunk.subarray(HEAD_BYTES));
  if (compareBytes(chunk.subarray(97, HEAD_BYTES), spanOf(payload)) !== 0) {
    return 'a chunk that is part of something larger';
  }
  try {
    const digest = signedDigest(crypto, identifier, payload);
    const signer = crypto.secp256k1.recoverPublicKey(digest, copyBytes(chunk.subarray(32, 97)));
    return compareBytes(signer, owner) === 0 ? payload : 'a chunk that another key signed';
  } catch {
    return 'a chunk with a malformed signature';
  }
}

const MESSAGE_PREFIX = /* @__PURE__ */ encodeUtf8('\x19Ethereum Signed Message:\n32');

function signedDigest(crypto: CryptoProvider, identifier: Uint8Array, payload: Uint8Array): Uint8Array {
  return crypto.keccak256(MESSAGE_PREFIX, crypto.keccak256(identifier, contentAddress(crypto, payload)));
}

/** Length of a payload, 8 bytes little-endian. */
function spanOf(payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(payload.length), true);
  return bytes;
}
