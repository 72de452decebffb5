import { compareBytes, SottoError } from '@sotto/core';
import { SenderKeyMessage as Encoded } from './generated/sotto/sender_keys/v1/sender_keys.js';
import { MAX_INDEX } from './limits.js';

/** Bytes of the name of a chain: a public key, compressed SEC1. */
export const CHAIN_LENGTH = 33;
/** Bytes of a nonce of AES-256-GCM. */
export const NONCE_LENGTH = 12;
/** Bytes of a tag of AES-256-GCM. */
const TAG_LENGTH = 16;
const SIGNATURE_LENGTH = 65;

/** Bytes of a message in addition to its plaintext, at most. */
export const MESSAGE_OVERHEAD = 150;

/** A message under a chain. Its chain and number are readable by anybody who gets hold of it. */
export interface SenderKeyMessage {
  /** Names the chain: its public key, 33 bytes. */
  readonly chain: Uint8Array;
  /** Number in the chain, from 0. */
  readonly index: number;
  /** `nonce 12 || ciphertext || tag 16`. */
  readonly sealed: Uint8Array;
  /** 65 bytes, recoverable, with the chain's private key. */
  readonly signature: Uint8Array;
}

/** A message as bytes. */
export function encodeMessage(message: SenderKeyMessage): Uint8Array {
  return Encoded.encode(message).finish();
}

/**
 * Reads what {@link encodeMessage} wrote, and nothing else: one message has one encoding.
 * @returns a message of its own bytes
 * @throws MALFORMED_MESSAGE
 */
export function decodeMessage(bytes: Uint8Array): SenderKeyMessage {
  let message: SenderKeyMessage;
  let again: Uint8Array;
  try {
    message = Encoded.decode(bytes);
    again = encodeMessage(message);
  } catch (cause) {
    throw malformed('it cannot be decoded', cause);
  }
  const { chain, index, sealed, signature } = message;
  if (chain.length !== CHAIN_LENGTH) throw malformed('a chain of the wrong length');
  if (index > MAX_INDEX) throw malformed('a number that no message has');
  if (sealed.length < NONCE_LENGTH + TAG_LENGTH) throw malformed('too short to be sealed');
  if (signature.length !== SIGNATURE_LENGTH) throw malformed('a signature of the wrong length');
  // Providers take 27 and 28, too: a second encoding of the same signature.
  if ((signature[SIGNATURE_LENGTH - 1] as number) > 1) throw malformed('a signature in another form');
  if (compareBytes(again, bytes) !== 0) throw malformed('not in canonical form');
  return message;
}

function malformed(reason: string, cause?: unknown): SottoError {
  const details = { what: 'SenderKeyMessage', reason };
  return new SottoError('MALFORMED_MESSAGE', 'Not a valid message under a sender key.', details, { cause });
}
