import { base58 } from '@scure/base';
import { concatBytes, decodeHex, encodeHex } from '@sotto/core';
import { loadVectors } from '@sotto/testing/vectors';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatKeyText, KEY_TEXT_MAX_CHARACTERS, type KeyTextForm, parseKeyText } from '../src/index.js';
import { crypto, keyPairs, shown, thrown } from './support.js';

const FORMS: KeyTextForm[] = ['uncompressed', 'compressed', 'base16', 'base58btc'];
const { publicKey, privateKey } = crypto.secp256k1.keyPairFromPrivateKey(new Uint8Array(32).fill(7));
const hex = encodeHex(publicKey);
const parse = (text: string) => encodeHex(parseKeyText(crypto, text));

describe('the keys of the deployed client', () => {
  test.each(loadVectors('account').cases)('$chatCompressed', ({ chatPublic, chatCompressed }) => {
    const key = parseKeyText(crypto, chatPublic);
    expect(parse(chatCompressed)).toBe(encodeHex(key));
    expect([formatKeyText(crypto, key, 'compressed'), formatKeyText(crypto, key, 'base58btc')]).toContain(
      chatCompressed,
    );
    expect(formatKeyText(crypto, key, 'uncompressed').slice(2)).toBe(chatPublic.replace(/^0x/, ''));
  });
});

test('the forms look as people know them', () => {
  expect(formatKeyText(crypto, publicKey, 'uncompressed')).toMatch(/^0x04[0-9a-f]{128}$/);
  expect(formatKeyText(crypto, publicKey, 'compressed')).toBe(`0x${hex}`);
  expect(formatKeyText(crypto, publicKey, 'base16')).toBe(`fe701${hex}`);
  expect(formatKeyText(crypto, publicKey, 'base58btc')).toMatch(/^zQ3sh[1-9A-HJ-NP-Za-km-z]{44}$/);
});

test('every form of every key is read back', () => {
  fc.assert(
    fc.property(keyPairs, fc.constantFrom(...FORMS), fc.boolean(), (pair, form, uncompressed) => {
      const key = uncompressed ? crypto.secp256k1.uncompressPublicKey(pair.publicKey) : pair.publicKey;
      expect(parseKeyText(crypto, formatKeyText(crypto, key, form))).toEqual(pair.publicKey);
    }),
    { numRuns: 50 },
  );
});

test('white space around, either case, hexadecimal without 0x', () => {
  const uncompressed = formatKeyText(crypto, publicKey, 'uncompressed');
  const texts = [
    ` \n${hex}\t`,
    hex.toUpperCase(),
    `0X${hex.toUpperCase()}`,
    uncompressed.slice(2),
    `Fe701${hex.toUpperCase()}`,
  ];
  expect(texts.map(parse)).toEqual(texts.map(() => hex));
});

describe('hostile: what is no public key', () => {
  test.each([
    ['nothing', ''],
    ['0x alone', '0x'],
    ['half a byte', hex.slice(1)],
    ['0x twice', `0x0x${hex}`],
    ['a word', 'hello'],
    ['a multibase prefix alone', 'f'],
    ['characters that base58 has not', 'z0OIl'],
    ['another multibase', `b${hex}`],
  ])('%s: INVALID_TEXT', (_, text) => {
    expect(thrown('INVALID_TEXT', () => parse(text)).details.what).toBe('public key');
  });

  test.each([
    ['f', `fed01${hex}`],
    ['f, ed25519 with the right second byte', `fed01${'00'.repeat(32)}`],
    ['f, prefix without its continuation', `fe700${hex}`],
    ['f, no prefix', `f${hex}`],
    ['z', `z${base58.encode(concatBytes(Uint8Array.of(0xed, 0x01), publicKey))}`],
    ['z, empty', 'z'],
  ])('another multicodec, %s: INVALID_TEXT', (_, text) => {
    expect(thrown('INVALID_TEXT', () => parse(text)).details.reason).toBe(
      'a multicodec other than secp256k1-pub',
    );
  });

  test.each([
    ['32 bytes', '0x11'.padEnd(66, '1'), '33 or 65', 32],
    ['64 bytes', `0x${'11'.repeat(64)}`, '33 or 65', 64],
    ['32 bytes of multibase f', `fe701${hex.slice(2)}`, '33', 32],
    [
      '65 bytes of multibase f',
      `fe701${formatKeyText(crypto, publicKey, 'uncompressed').slice(2)}`,
      '33',
      65,
    ],
    ['34 bytes of multibase z', `z${base58.encode(decodeHex(`e701${hex}00`))}`, '33', 34],
  ])('wrong length, %s: INVALID_LENGTH', (_, text, expected, actual) => {
    expect(thrown('INVALID_LENGTH', () => parse(text)).details).toEqual({
      what: 'public key',
      kind: 'public key',
      expected,
      actual,
    });
  });

  test.each([
    ['x of no point', `0x02${'00'.repeat(31)}05`],
    ['x not below the prime', `0x02${'ff'.repeat(32)}`],
    ['a prefix of an uncompressed key', `04${hex.slice(2)}`],
    ['y of another point', `${formatKeyText(crypto, publicKey, 'uncompressed').slice(0, -2)}00`],
    ['multibase f', `fe70102${'00'.repeat(31)}05`],
    ['multibase z', `z${base58.encode(decodeHex(`e70102${'00'.repeat(31)}05`))}`],
  ])('off the curve, %s: INVALID_PUBLIC_KEY', (_, text) => {
    thrown('INVALID_PUBLIC_KEY', () => parse(text));
  });

  test('too long: refused before base58, whose cost grows with the square', () => {
    expect(thrown('LIMIT_EXCEEDED', () => parse('z'.repeat(1_000_000))).details).toEqual({
      what: 'public key, characters',
      limit: KEY_TEXT_MAX_CHARACTERS,
      actual: 1_000_000,
    });
  });

  test('a private key pasted by mistake is in no error', () => {
    const secret = encodeHex(privateKey);
    expect(shown(thrown('INVALID_LENGTH', () => parse(secret)))).not.toContain(secret.slice(0, 16));
    expect(shown(thrown('INVALID_TEXT', () => parse(`f${secret}`)))).not.toContain(secret.slice(0, 16));
  });

  test('any text gives a typed error or a key', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string().map((s) => `z${s}`),
          fc.string().map((s) => `fe701${s}`),
        ),
        (text) => {
          try {
            expect(parseKeyText(crypto, text)).toHaveLength(33);
          } catch (error) {
            expect(error).toMatchObject({
              code: expect.stringMatching(/^(INVALID_(TEXT|LENGTH|PUBLIC_KEY)|LIMIT_EXCEEDED)$/),
            });
          }
        },
      ),
    );
  });
});

test('only a public key is written', () => {
  for (const form of FORMS)
    thrown('INVALID_PUBLIC_KEY', () => formatKeyText(crypto, new Uint8Array(33), form));
});
