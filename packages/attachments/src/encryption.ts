import { sha256 } from '@noble/hashes/sha2.js';
import { compareBytes, concatBytes, SottoError } from '@sotto/core';
import { AttachmentKey } from './attachment-key.js';

// Loaded when the first file is encrypted or decrypted: most conversations never need it.
const age = () => import('age-encryption');

/** A new key for a file. */
export async function generateKey(): Promise<AttachmentKey> {
  return new AttachmentKey(await (await age()).generateX25519Identity());
}

/**
 * Encrypts a part: an age file of its own, ChaCha20-Poly1305 in chunks of 64 KiB (STREAM). The recipient's public key is published
 * nowhere, so that nobody but holders of the key could find it, with a quantum computer either.
 */
export async function encryptPart(key: AttachmentKey, content: Uint8Array): Promise<Uint8Array> {
  const { Encrypter, identityToRecipient } = await age();
  const encrypter = new Encrypter();
  encrypter.addRecipient(await identityToRecipient(key.reveal()));
  return encrypter.encrypt(content);
}

/** @throws AUTHENTICATION_FAILED unless it is the part that the digest is of, and the key decrypts it */
export async function decryptPart(
  key: AttachmentKey,
  encrypted: Uint8Array,
  digest: Uint8Array,
): Promise<Uint8Array> {
  if (compareBytes(digestOf(encrypted), digest) !== 0) throw notAuthentic();
  const { Decrypter } = await age();
  const decrypter = new Decrypter();
  decrypter.addIdentity(key.reveal());
  try {
    return await decrypter.decrypt(encrypted);
  } catch (cause) {
    throw notAuthentic(cause);
  }
}

/** SHA-256, 32 bytes. */
export function digestOf(...parts: readonly Uint8Array[]): Uint8Array {
  return sha256(concatBytes(...parts));
}

export function notAuthentic(cause?: unknown): SottoError<'AUTHENTICATION_FAILED'> {
  return new SottoError(
    'AUTHENTICATION_FAILED',
    'A part of the file is not what its sender stored.',
    { what: 'part of an attachment' },
    { cause },
  );
}
