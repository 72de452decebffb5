import { concatBytes as concat, hexToBytes } from '@noble/hashes/utils.js';
import { base64 } from '@scure/base';
import { parseText } from './arguments.js';
import { invalidArgument, SottoError } from './errors.js';

const utf8Encoder = /* @__PURE__ */ new TextEncoder();
const utf8Decoder = /* @__PURE__ */ new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const HEX_DIGITS = /* @__PURE__ */ utf8Encoder.encode('0123456789abcdef');

/** Reads the kind of a typed array from its internal slot, so that it works across realms and can't be forged. */
const typedArrayKind = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype),
  Symbol.toStringTag,
)?.get as (this: unknown) => string | undefined;

/**
 * Whether a value is a Uint8Array: of any realm (another frame, a `vm` context), on any kind of buffer, and of any
 * subclass, such as Buffer. Other typed arrays, arrays of numbers and lookalikes are not.
 */
export function isBytes(value: unknown): value is Uint8Array {
  return typedArrayKind.call(value) === 'Uint8Array';
}

/**
 * Checks that bytes from outside are a Uint8Array, see {@link isBytes}, and returns them as they are.
 * @param what names them in INVALID_ARGUMENT
 * @throws INVALID_ARGUMENT
 */
export function parseBytes(value: Uint8Array, what: string): Uint8Array {
  if (isBytes(value)) return value;
  throw invalidArgument(what, 'not a Uint8Array');
}

/**
 * A copy of bytes from outside: a plain Uint8Array of this realm, with memory of its own that holds nothing else. For
 * whatever is kept or passed on; `slice` won't do, since a Buffer's returns a view of the same memory.
 * @param what names them in INVALID_ARGUMENT
 * @throws INVALID_ARGUMENT
 */
export function copyBytes(value: Uint8Array, what = 'bytes'): Uint8Array {
  return new Uint8Array(parseBytes(value, what));
}

/**
 * The parts, concatenated; fresh.
 * @throws INVALID_ARGUMENT
 */
export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  for (const part of parts) parseBytes(part, 'bytes');
  return concat(...parts);
}

/**
 * Lower-case hex, no prefix.
 * @throws INVALID_ARGUMENT
 */
export function encodeHex(bytes: Uint8Array): string {
  // Decoded in one piece, since many are kept as names: V8 stores a string built digit by digit as a tree eight times as large.
  const digits = new Uint8Array(2 * parseBytes(bytes, 'bytes').length);
  let at = 0;
  for (const byte of bytes) {
    digits[at++] = HEX_DIGITS[byte >> 4] as number;
    digits[at++] = HEX_DIGITS[byte & 15] as number;
  }
  return utf8Decoder.decode(digits);
}

/**
 * Decodes hex, in either case, with or without `0x`.
 * @throws INVALID_TEXT
 */
export function decodeHex(text: string): Uint8Array {
  try {
    return hexToBytes(text.replace(/^0x/i, ''));
  } catch {
    throw new SottoError('INVALID_TEXT', 'Not hexadecimal text.', {
      what: 'hex',
      reason: 'not an even number of hexadecimal digits',
    });
  }
}

/** Standard base64 with padding (RFC 4648, section 4). */
export function encodeBase64(bytes: Uint8Array): string {
  return base64.encode(bytes);
}

/**
 * Decodes standard, padded base64; nothing else is accepted.
 * @throws INVALID_TEXT
 */
export function decodeBase64(text: string): Uint8Array {
  try {
    return base64.decode(text);
  } catch {
    throw new SottoError('INVALID_TEXT', 'Not base64 text.', {
      what: 'base64',
      reason: 'not padded standard base64',
    });
  }
}

/**
 * Encodes a well-formed string as UTF-8.
 * @throws INVALID_TEXT when the text has a lone surrogate, which UTF-8 cannot represent; INVALID_ARGUMENT
 */
export function encodeUtf8(text: string): Uint8Array {
  if (/\p{Surrogate}/u.test(parseText(text, 'text'))) {
    throw new SottoError('INVALID_TEXT', 'The text has a lone surrogate.', {
      what: 'text',
      reason: 'lone surrogate',
    });
  }
  return utf8Encoder.encode(text);
}

/**
 * Decodes valid UTF-8; a byte order mark is kept.
 * @throws INVALID_TEXT
 */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return utf8Decoder.decode(bytes);
  } catch {
    throw new SottoError('INVALID_TEXT', 'Not valid UTF-8.', {
      what: 'text',
      reason: 'invalid UTF-8',
    });
  }
}

/**
 * Compares two byte strings lexicographically, a prefix before what it begins: negative, 0 or positive.
 * Not constant in time: for public values only; secrets go through `CryptoProvider.equalBytes`.
 */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const difference = (a[i] as number) - (b[i] as number);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** Overwrites the bytes with zeros. Best effort: the runtime may have made copies. */
export function wipeBytes(...secrets: readonly Uint8Array[]): void {
  for (const secret of secrets) secret.fill(0);
}
