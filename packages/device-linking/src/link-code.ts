import { sha256 } from '@noble/hashes/sha2.js';
import { base64urlnopad } from '@scure/base';
import {
  compareBytes,
  concatBytes,
  copyBytes,
  encodeUtf8,
  type PublicKey,
  parseText,
  SottoError,
} from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';

/** What a new device shows: whom to write to, and the proof that one has seen it. */
export interface LinkCode {
  /** 33 bytes: an identity that exists for this only. */
  readonly identity: PublicKey;
  /** 16 bytes. */
  readonly secret: Uint8Array;
}

const SCHEME = 'sotto-link:';
const VERSION = 1;
const SECRET_LENGTH = 16;
const CHECK_LENGTH = 4;
const LENGTH = 1 + 33 + SECRET_LENGTH + CHECK_LENGTH;

/** The text of a QR code: `sotto-link:` and 72 characters. A secret until it is used. */
export function encodeLinkCode({ identity, secret }: LinkCode): string {
  const head = concatBytes(Uint8Array.of(VERSION), identity, secret);
  return `${SCHEME}${base64urlnopad.encode(concatBytes(head, checkOf(head)))}`;
}

/**
 * Reads the text of a code, as scanned or pasted.
 * @throws INVALID_TEXT
 */
export function parseLinkCode(crypto: CryptoProvider, text: string): LinkCode {
  const trimmed = parseText(text, 'code').trim();
  if (!trimmed.startsWith(SCHEME)) throw notACode('it is something else');
  let bytes: Uint8Array;
  try {
    bytes = base64urlnopad.decode(trimmed.slice(SCHEME.length));
  } catch {
    throw notACode('it is cut off or altered');
  }
  if (bytes.length !== LENGTH || bytes[0] !== VERSION)
    throw notACode(bytes[0] === VERSION ? 'it is cut off or altered' : 'it is of another version');
  const head = bytes.subarray(0, LENGTH - CHECK_LENGTH);
  if (compareBytes(checkOf(head), bytes.subarray(LENGTH - CHECK_LENGTH)) !== 0)
    throw notACode('it is cut off or altered');
  try {
    return {
      identity: crypto.secp256k1.parsePublicKey(head.subarray(1, 34)),
      secret: copyBytes(head.subarray(34)),
    };
  } catch {
    throw notACode('it is cut off or altered');
  }
}

function checkOf(head: Uint8Array): Uint8Array {
  return sha256(concatBytes(encodeUtf8(SCHEME), head)).subarray(0, CHECK_LENGTH);
}

function notACode(reason: string): SottoError<'INVALID_TEXT'> {
  return new SottoError('INVALID_TEXT', `Not the code of a new device: ${reason}.`, {
    what: 'device link code',
    reason,
  });
}
