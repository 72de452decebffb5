import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  compareSafetyNumbers,
  createSafetyNumber,
  formatSafetyNumber,
  parseSafetyNumber,
} from '../src/index.js';
import { crypto, keyPairs, thrown } from './support.js';

const alice = crypto.secp256k1.keyPairFromPrivateKey(new Uint8Array(32).fill(1)).publicKey;
const bob = crypto.secp256k1.keyPairFromPrivateKey(new Uint8Array(32).fill(2)).publicKey;
const number = createSafetyNumber(crypto, alice, bob);

describe('the number of a pair', () => {
  test('is what the documentation says', () => {
    const half = (key: Uint8Array) => {
      let hash = createHash('sha512')
        .update('Sotto safety number')
        .update(Uint8Array.of(1))
        .update(key)
        .digest();
      for (let i = 0; i < 5199; i++) hash = createHash('sha512').update(hash).update(key).digest();
      return [0, 5, 10, 15, 20, 25]
        .map((at) => String(hash.readUIntBE(at, 5) % 100_000).padStart(5, '0'))
        .join('');
    };
    expect(number).toBe([half(alice), half(bob)].sort().join(''));
  });

  // Fixed, so that no release changes what people have compared.
  test('stays what it was', () => {
    expect(formatSafetyNumber(number)).toMatchInlineSnapshot(
      `"21689 83974 86061 22455 73229 49909 79257 86734 73938 40692 77611 85798"`,
    );
  });

  test('has 60 digits, is the same on both sides, and changes when an identity does', () => {
    fc.assert(
      fc.property(keyPairs, keyPairs, keyPairs, (one, other, third) => {
        fc.pre(new Set([one, other, third].map(({ publicKey }) => publicKey.join())).size === 3);
        const mine = createSafetyNumber(crypto, one.publicKey, other.publicKey);
        expect(mine).toMatch(/^[0-9]{60}$/);
        expect(createSafetyNumber(crypto, other.publicKey, one.publicKey)).toBe(mine);
        expect(createSafetyNumber(crypto, one.publicKey, third.publicKey)).not.toBe(mine);
      }),
      { numRuns: 3 },
    );
  });

  test('is that of the identities, whichever form their keys have', () => {
    const uncompressed = crypto.secp256k1.uncompressPublicKey(bob);
    expect(createSafetyNumber(crypto, uncompressed, alice)).toBe(number);
    thrown('INVALID_PUBLIC_KEY', () => createSafetyNumber(crypto, alice, new Uint8Array(33)));
  });
});

describe('as people read and type it', () => {
  test('twelve groups of five', () => {
    expect(formatSafetyNumber(number)).toMatch(/^(\d{5} ){11}\d{5}$/);
    expect(parseSafetyNumber(formatSafetyNumber(number))).toBe(number);
  });

  test.each([
    ['lines', formatSafetyNumber(number).replaceAll(' ', '\r\n')],
    ['no-break spaces', formatSafetyNumber(number).replaceAll(' ', '\u00a0')],
    ['hyphens and dashes', formatSafetyNumber(number).replaceAll(' ', '-').replace('-', '\u2013')],
    ['nothing between', number],
    ['full-width digits', [...number].map((d) => String.fromCharCode(d.charCodeAt(0) + 0xfee0)).join('')],
  ])('%s', (_, text) => {
    expect(compareSafetyNumbers(text, number)).toBe(true);
    expect(compareSafetyNumbers(number, text)).toBe(true);
  });

  test('any one digit changed is a difference', () => {
    for (let i = 0; i < number.length; i++) {
      const digit = (Number(number[i]) + 1) % 10;
      expect(compareSafetyNumbers(number, `${number.slice(0, i)}${digit}${number.slice(i + 1)}`)).toBe(false);
    }
  });

  test('hostile: a number that is not whole is an error, not a difference', () => {
    expect(thrown('INVALID_LENGTH', () => compareSafetyNumbers(number, number.slice(1))).details.actual).toBe(
      59,
    );
    expect(thrown('INVALID_LENGTH', () => compareSafetyNumbers(`${number}0`, number)).details.actual).toBe(
      61,
    );
    thrown('INVALID_LENGTH', () => compareSafetyNumbers('', ''));
    thrown('INVALID_TEXT', () => compareSafetyNumbers(number, number.replace(/.$/, 'O')));
    thrown('INVALID_TEXT', () => compareSafetyNumbers(number, number.replace(/.$/, '\u0661')));
  });
});
