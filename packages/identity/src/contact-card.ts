import { base32nopad } from '@scure/base';
import {
  compareBytes,
  concatBytes,
  copyBytes,
  decodeUtf8,
  encodeHex,
  encodeUtf8,
  isSottoError,
  PUBLIC_KEY_LENGTH,
  type PublicKey,
  parseObject,
  parseText,
  SottoError,
} from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import {
  type Bundle,
  type DecodeOptions,
  decodeBundle,
  encodeBundle,
  withoutKemPreKeys,
} from '@sotto/protocol-codec';
import { checkProvider } from './check-provider.js';

/** The content of a contact card, which one person gives to another to be contacted. */
export interface ContactCard {
  /** 33 bytes, compressed SEC1. */
  readonly identity: PublicKey;
  /**
   * The bundle that was current when the card was made, of this identity. Its signature is not
   * checked here: verify it before use, like any other bundle.
   */
  readonly bundle?: Bundle | undefined;
  /**
   * What the person calls themselves. Nothing vouches for it, and anybody can make a card with any name: offer it to the user as a
   * suggestion.
   */
  readonly name?: string | undefined;
}

/** Longest name in a card, in bytes of UTF-8: as long as the key and the prekey of a device, so that the code stays small. */
export const CONTACT_CARD_NAME_MAX_BYTES = 128;

/** Version of the cards that {@link encodeContactCard} writes. */
export const CONTACT_CARD_VERSION = 1;

/**
 * Default length of a card in characters: the capacity of a QR code of 81 x 81 modules with medium error correction, about the
 * most that a phone reads easily from another phone's screen. It fits a bundle of three devices with UUIDs as ids, the most
 * that deployed peers list.
 */
export const CONTACT_CARD_CHARACTERS = 656;

/** Longest text that {@link parseContactCard} looks at, in characters: a QR code has room for 4296 at most. */
export const CONTACT_CARD_MAX_CHARACTERS = 8192;

const CARD = /^SOTTO:([1-9][0-9]{0,3})\/([A-Z2-7]*)$/;
const BEGINS_LIKE_A_CARD = /^SOTTO:/;
const CHECKSUM_LENGTH = 4;
const KIND_IDENTITY = 0;
const KIND_BUNDLE = 1;
const KIND_NAMED = 2;
/** What can't be seen, or changes the writing direction; two characters that join letters and emoji are no such ones. */
const HIDDEN = /[\p{Cc}\p{Cs}\p{Co}\p{Zl}\p{Zp}]|(?![\u200c\u200d])\p{Cf}/u;

/**
 * Writes a card: `SOTTO:1/` and base32 (RFC 4648, no padding) of `body || checksum`. The body is `0x00 || identity`, 33
 * bytes compressed, or `0x01 || Bundle`, the protobuf message, which has the identity in it; or `0x02 || n || name`, `n` bytes of UTF-8,
 * and one of these two. The checksum is the first
 * 4 bytes of SHA-256 of `SOTTO:1/ || body`: it detects damage, not attacks. Nothing needs escaping in a URL, and
 * QR codes encode capital letters and digits more compactly than bytes.
 *
 * The bundle is included if the card is then no longer than `maxCharacters` (default {@link CONTACT_CARD_CHARACTERS}),
 * and left out otherwise: a contact without a bundle can still be written to. So is a name, before the bundle is: one that is longer than
 * {@link CONTACT_CARD_NAME_MAX_BYTES} never fits.
 * @throws INVALID_PUBLIC_KEY; WRONG_IDENTITY when the bundle is of another identity
 * @throws LIMIT_EXCEEDED when not even the identity fits
 * @throws INVALID_ARGUMENT, INVALID_TEXT for a bundle that cannot be encoded; INVALID_TEXT for a name with characters that can't be seen
 */
export function encodeContactCard(
  crypto: CryptoProvider,
  card: {
    readonly identity: Uint8Array;
    readonly bundle?: Bundle | undefined;
    readonly name?: string | undefined;
  },
  options: { readonly maxCharacters?: number | undefined } = {},
): string {
  checkProvider(crypto);
  parseObject(card, 'card', 'identity');
  const maxCharacters = parseObject(options, 'options').maxCharacters ?? CONTACT_CARD_CHARACTERS;
  const identity = crypto.secp256k1.parsePublicKey(card.identity);
  const name = nameBytes(card.name ?? '');
  const bodies = [concatBytes(Uint8Array.of(KIND_IDENTITY), identity)];
  if (card.bundle !== undefined) {
    checkIdentity(identity, crypto.secp256k1.parsePublicKey(card.bundle.identity));
    // The first answer brings the ML-KEM prekeys, which no picture of a code has room for.
    bodies.unshift(concatBytes(Uint8Array.of(KIND_BUNDLE), encodeBundle(withoutKemPreKeys(card.bundle))));
  }
  for (const body of bodies) {
    const named = concatBytes(Uint8Array.of(KIND_NAMED, name.length), name, body);
    const tries = name.length > 0 && name.length <= CONTACT_CARD_NAME_MAX_BYTES ? [named, body] : [body];
    const fitting = tries.map((one) => frame(crypto, one)).find(({ length }) => length <= maxCharacters);
    if (fitting !== undefined) return fitting;
  }
  throw new SottoError('LIMIT_EXCEEDED', 'Not even the identity alone fits into the card.', {
    what: 'contact card, characters',
    limit: maxCharacters,
    actual: frame(crypto, bodies.at(-1) as Uint8Array).length,
  });
}

/** Options of {@link parseContactCard}. */
export interface ContactCardOptions {
  /** The identity that the card has to be of, 33 or 65 bytes. */
  readonly expected?: Uint8Array | undefined;
  /** Limits of the bundle. */
  readonly decode?: DecodeOptions | undefined;
}

/**
 * Reads a card from what was scanned or pasted: the card itself, or a link whose fragment it is
 * (`https://chat.example/#SOTTO:1/…`). Either case; white space anywhere is ignored, such as a mail program's line breaks.
 * @throws INVALID_CONTACT_CARD `not-a-card`, `damaged`, or `newer-version`: the frame and its checksum stay the same in
 * every version, so a damaged version number isn't mistaken for a newer one
 * @throws WRONG_IDENTITY when the card is valid, but not of `expected`
 * @throws INVALID_PUBLIC_KEY for an `expected` that is not a public key
 * @throws LIMIT_EXCEEDED beyond {@link CONTACT_CARD_MAX_CHARACTERS}, or beyond a limit of the bundle
 */
export function parseContactCard(
  crypto: CryptoProvider,
  text: string,
  options: ContactCardOptions = {},
): ContactCard {
  checkProvider(crypto);
  parseText(text, 'text');
  const { expected: given } = parseObject(options, 'options');
  const expected = given && crypto.secp256k1.parsePublicKey(given);
  const { version, body } = openFrame(crypto, text);
  if (version !== CONTACT_CARD_VERSION) {
    throw new SottoError('INVALID_CONTACT_CARD', 'This contact card was made by newer software.', {
      problem: 'newer-version',
      version,
      supported: CONTACT_CARD_VERSION,
    });
  }
  const card = readBody(crypto, body, options.decode);
  if (expected !== undefined) checkIdentity(expected, card.identity);
  return card;
}

/** Whether a text looks like a card, complete or damaged. */
export function looksLikeContactCard(text: string): boolean {
  return BEGINS_LIKE_A_CARD.test(cardIn(parseText(text, 'text').slice(0, CONTACT_CARD_MAX_CHARACTERS)));
}

/** @throws INVALID_TEXT */
function nameBytes(name: string): Uint8Array {
  const normal = parseText(name, 'name').normalize('NFC').trim();
  if (HIDDEN.test(normal)) {
    throw new SottoError('INVALID_TEXT', 'A name has letters, digits and signs that can be seen.', {
      what: 'person name',
      reason: 'characters that cannot be seen',
    });
  }
  return encodeUtf8(normal);
}

function frame(crypto: CryptoProvider, body: Uint8Array): string {
  const prefix = `SOTTO:${CONTACT_CARD_VERSION}/`;
  return prefix + base32nopad.encode(concatBytes(body, checksumOf(crypto, prefix, body)));
}

function openFrame(crypto: CryptoProvider, text: string): { version: number; body: Uint8Array } {
  if (text.length > CONTACT_CARD_MAX_CHARACTERS) {
    throw new SottoError('LIMIT_EXCEEDED', 'Too long for a contact card.', {
      what: 'contact card, characters',
      limit: CONTACT_CARD_MAX_CHARACTERS,
      actual: text.length,
    });
  }
  const card = cardIn(text);
  if (!BEGINS_LIKE_A_CARD.test(card)) {
    throw new SottoError('INVALID_CONTACT_CARD', 'This is not a contact card.', {
      problem: 'not-a-card',
    });
  }
  const [, version, base32] = CARD.exec(card) ?? [];
  if (version === undefined || base32 === undefined) throw damaged('characters that no card has');
  const bytes = base32Bytes(base32);
  if (bytes.length < CHECKSUM_LENGTH) throw damaged('cut off');
  const body = copyBytes(bytes.subarray(0, -CHECKSUM_LENGTH));
  const checksum = bytes.subarray(-CHECKSUM_LENGTH);
  if (compareBytes(checksum, checksumOf(crypto, `SOTTO:${version}/`, body)) !== 0) {
    throw damaged('the checksum does not fit');
  }
  return { version: Number(version), body };
}

/** The card itself, canonical: out of its link, capital letters, no white space. */
function cardIn(text: string): string {
  return text
    .slice(text.lastIndexOf('#') + 1)
    .replace(/\s/g, '')
    .toUpperCase();
}

function readBody(crypto: CryptoProvider, body: Uint8Array, limits: DecodeOptions | undefined): ContactCard {
  const content = body.subarray(1);
  switch (body[0]) {
    case KIND_IDENTITY:
      if (content.length !== PUBLIC_KEY_LENGTH) throw damaged('its identity has another length');
      return { identity: identityOf(crypto, content) };
    case KIND_BUNDLE: {
      const bundle = bundleOf(content, limits);
      return { identity: identityOf(crypto, bundle.identity), bundle };
    }
    case KIND_NAMED: {
      const [length = 0] = content;
      const rest = content.subarray(1 + length);
      // No names within names.
      if (length === 0 || length > CONTACT_CARD_NAME_MAX_BYTES || rest[0] === KIND_NAMED)
        throw damaged('its name has another length');
      return { ...readBody(crypto, rest, limits), name: nameOf(content.subarray(1, 1 + length)) };
    }
    default:
      throw damaged('content of an unknown kind');
  }
}

function nameOf(bytes: Uint8Array): string {
  let name = '';
  try {
    name = decodeUtf8(bytes).normalize('NFC').trim();
  } catch (cause) {
    throw damaged('its name is not UTF-8', cause);
  }
  if (name === '' || HIDDEN.test(name)) throw damaged('its name has characters that cannot be seen');
  return name;
}

/** Content that is invalid under a valid checksum is reported as damage, too. */
function identityOf(crypto: CryptoProvider, bytes: Uint8Array): PublicKey {
  try {
    return crypto.secp256k1.parsePublicKey(bytes);
  } catch (cause) {
    throw damaged('its identity is not a public key', cause);
  }
}

function bundleOf(bytes: Uint8Array, limits: DecodeOptions | undefined): Bundle {
  try {
    return decodeBundle(bytes, limits);
  } catch (cause) {
    if (isSottoError(cause, 'LIMIT_EXCEEDED')) throw cause;
    throw damaged('its bundle cannot be read', cause);
  }
}

function base32Bytes(text: string): Uint8Array {
  try {
    return base32nopad.decode(text);
  } catch {
    throw damaged('cut off');
  }
}

function checksumOf(crypto: CryptoProvider, prefix: string, body: Uint8Array): Uint8Array {
  return crypto.sha256(encodeUtf8(prefix), body).subarray(0, CHECKSUM_LENGTH);
}

/** @throws WRONG_IDENTITY */
export function checkIdentity(expected: PublicKey, actual: PublicKey): void {
  if (compareBytes(expected, actual) !== 0) {
    throw new SottoError('WRONG_IDENTITY', 'This belongs to an identity other than the expected one.', {
      expected: encodeHex(expected),
      actual: encodeHex(actual),
    });
  }
}

function damaged(reason: string, cause?: unknown): SottoError<'INVALID_CONTACT_CARD'> {
  return new SottoError(
    'INVALID_CONTACT_CARD',
    `This contact card is damaged: ${reason}.`,
    { problem: 'damaged', reason },
    { cause },
  );
}
