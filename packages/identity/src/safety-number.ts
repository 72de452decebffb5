import { sha512 } from '@noble/hashes/sha2.js';
import { concatBytes, encodeUtf8, invalidArgument, type PublicKey, parseText, SottoError } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import { checkProvider } from './check-provider.js';

declare const brand: unique symbol;

/** 60 decimal digits that stand for a pair of identities. Not secret. */
export type SafetyNumber = string & { readonly [brand]: 'SafetyNumber' };

/** Changes with the derivation, so that no two versions yield the same number. */
const CONTEXT = concatBytes(encodeUtf8('Sotto safety number'), Uint8Array.of(1));
/** What Signal's numeric fingerprint does: makes the search for a look-alike 5200 times as expensive. */
const ITERATIONS = 5200;
const GROUP_DIGITS = 5;
const GROUPS_PER_IDENTITY = 6;
/** Bytes of the hash that one group of 5 digits is taken from; the remainder of 2^40 by 10^5 is even enough. */
const GROUP_BYTES = 5;
/** Digits of a whole safety number. */
export const SAFETY_NUMBER_DIGITS = 2 * GROUPS_PER_IDENTITY * GROUP_DIGITS;

/**
 * The safety number of two identities (33 or 65 bytes each); the order of the two doesn't matter. Takes tens of
 * milliseconds.
 *
 * For each identity, `h = SHA-512("Sotto safety number" || 0x01 || key33)`, then 5199 times `h = SHA-512(h || key33)`; six
 * groups of five digits are the first 30 bytes of `h`, five at a time, big-endian, modulo 100000. The 30 digits that are
 * lower come first. The construction is that of Signal's numeric fingerprint; the numbers are Sotto's own.
 * @throws INVALID_PUBLIC_KEY
 */
export function createSafetyNumber(crypto: CryptoProvider, one: Uint8Array, other: Uint8Array): SafetyNumber {
  checkProvider(crypto);
  const keys = [crypto.secp256k1.parsePublicKey(one), crypto.secp256k1.parsePublicKey(other)];
  return keys.map(digitsOf).sort().join('') as SafetyNumber;
}

/** Formats a safety number for people: twelve groups of five digits, separated by spaces. */
export function formatSafetyNumber(number: SafetyNumber): string {
  const groups = parseText(number, 'number').match(/\d{5}/g);
  if (groups === null) throw invalidArgument('number', 'not a safety number');
  return groups.join(' ');
}

/**
 * Reads a safety number as it was typed, pasted or scanned. White space and hyphens don't count; full-width digits do.
 * @throws INVALID_TEXT for anything but digits, INVALID_LENGTH when they are not 60
 */
export function parseSafetyNumber(text: string): SafetyNumber {
  const digits = parseText(text, 'text')
    .normalize('NFKD')
    .replace(/[\s\p{Dash}\u200b\u2060]/gu, '');
  if (!/^[0-9]*$/.test(digits)) {
    throw new SottoError('INVALID_TEXT', 'A safety number has digits only.', {
      what: 'safety number',
      reason: 'characters other than digits, spaces and hyphens',
    });
  }
  if (digits.length !== SAFETY_NUMBER_DIGITS) {
    throw new SottoError('INVALID_LENGTH', 'A safety number has 60 digits.', {
      what: 'digits of a safety number',
      kind: 'safety number',
      expected: SAFETY_NUMBER_DIGITS,
      actual: digits.length,
    });
  }
  return digits as SafetyNumber;
}

/**
 * Whether two safety numbers are the same, each as {@link parseSafetyNumber} reads it. An incomplete number is an
 * error rather than a difference, so that a slip of the finger doesn't look like an attack.
 * @throws INVALID_TEXT, INVALID_LENGTH
 */
export function compareSafetyNumbers(one: string, other: string): boolean {
  return parseSafetyNumber(one) === parseSafetyNumber(other);
}

function digitsOf(key: PublicKey): string {
  let hash = sha512(concatBytes(CONTEXT, key));
  for (let i = 1; i < ITERATIONS; i++) hash = sha512(concatBytes(hash, key));
  const view = new DataView(hash.buffer, hash.byteOffset);
  return Array.from({ length: GROUPS_PER_IDENTITY }, (_, group) => {
    const at = group * GROUP_BYTES;
    const value = view.getUint8(at) * 2 ** 32 + view.getUint32(at + 1);
    return String(value % 10 ** GROUP_DIGITS).padStart(GROUP_DIGITS, '0');
  }).join('');
}
