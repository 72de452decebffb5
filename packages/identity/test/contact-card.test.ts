import { base32nopad } from '@scure/base';
import { concatBytes, encodeHex, encodeUtf8 } from '@sotto/core';
import { encodeBundle, encodeContactCode } from '@sotto/protocol-codec';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  CONTACT_CARD_CHARACTERS,
  CONTACT_CARD_MAX_CHARACTERS,
  CONTACT_CARD_NAME_MAX_BYTES,
  encodeContactCard,
  formatKeyText,
  parseContactCard,
  qrModules,
} from '../src/index.js';
import { bundleOf, crypto, keyPairs, thrown } from './support.js';

const alice = crypto.secp256k1.keyPairFromPrivateKey(new Uint8Array(32).fill(1)).publicKey;
const mallory = crypto.secp256k1.keyPairFromPrivateKey(new Uint8Array(32).fill(2)).publicKey;
const bundle = bundleOf(alice);
const plain = encodeContactCard(crypto, { identity: alice });
const full = encodeContactCard(crypto, { identity: alice, bundle });
const parse = (text: string) => parseContactCard(crypto, text);
const problem = (text: string) => thrown('INVALID_CONTACT_CARD', () => parse(text)).details;

/** A card with a good checksum, whatever its content. */
function forge(body: Uint8Array, version = '1'): string {
  const checksum = crypto.sha256(encodeUtf8(`SOTTO:${version}/`), body).subarray(0, 4);
  return `SOTTO:${version}/${base32nopad.encode(concatBytes(body, checksum))}`;
}

describe('a card', () => {
  test('of an identity is short, and needs no escaping in a URL', () => {
    expect(plain).toMatch(/^SOTTO:1\/[A-Z2-7]{61}$/);
    expect(new URL(`https://chat.example/#${plain}`).hash).toBe(`#${plain}`);
    expect(parse(plain)).toEqual({ identity: alice });
  });

  test('is what the documentation says', () => {
    expect(plain).toBe(forge(concatBytes(Uint8Array.of(0), alice)));
    expect(full).toBe(forge(concatBytes(Uint8Array.of(1), encodeBundle(bundle))));
  });

  test('with a name gives it back, with a bundle or without; the name goes before the bundle does', () => {
    const name = 'Zoë 👩‍🚀';
    const bytes = encodeUtf8(name);
    const named = encodeContactCard(crypto, { identity: alice, name });
    expect(named).toBe(forge(concatBytes(Uint8Array.of(2, bytes.length), bytes, Uint8Array.of(0), alice)));
    expect(parse(named)).toEqual({ identity: alice, name });
    const both = encodeContactCard(crypto, { identity: alice, bundle, name });
    expect(parse(both)).toEqual({ identity: alice, bundle, name });
    const card = { identity: alice, bundle, name };
    const short = (maxCharacters: number) => encodeContactCard(crypto, card, { maxCharacters });
    expect(parse(short(both.length - 1))).toEqual({ identity: alice, bundle });
    expect(parse(short(full.length - 1))).toEqual({ identity: alice, name });
    expect(parse(short(named.length - 1))).toEqual({ identity: alice });
    for (const none of ['', '  ', 'x'.repeat(CONTACT_CARD_NAME_MAX_BYTES + 1)])
      expect(encodeContactCard(crypto, { identity: alice, name: none })).toBe(plain);
    const longest = 'x'.repeat(CONTACT_CARD_NAME_MAX_BYTES);
    expect(parse(encodeContactCard(crypto, { identity: alice, name: longest })).name).toBe(longest);
  });

  test('with a name that hides something, is none, or is within another is refused', () => {
    for (const name of ['Al\u202eice', 'Al\u200bice', 'Alice\n'.repeat(2)])
      expect(
        thrown('INVALID_TEXT', () => encodeContactCard(crypto, { identity: alice, name })).details,
      ).toMatchObject({ what: 'person name' });
    const body = concatBytes(Uint8Array.of(0), alice);
    const named = (name: Uint8Array, rest = body) => concatBytes(Uint8Array.of(2, name.length), name, rest);
    for (const bad of [
      named(new Uint8Array(0)),
      named(Uint8Array.of(0xff, 0xfe)),
      named(encodeUtf8('a\u202eb')),
      named(encodeUtf8('a'), named(encodeUtf8('b'))),
      named(encodeUtf8('a'), new Uint8Array(0)),
      Uint8Array.of(2),
      Uint8Array.of(2, 200, 65),
      concatBytes(Uint8Array.of(2, 129), new Uint8Array(129).fill(65), body),
    ])
      expect(problem(forge(bad))).toMatchObject({ problem: 'damaged' });
  });

  test('with a bundle gives it back', () => {
    expect(parse(full)).toEqual({ identity: alice, bundle });
  });

  test('of every identity, with 0 to 3 devices, is read back, in a link too', () => {
    fc.assert(
      fc.property(
        keyPairs,
        fc.nat({ max: 3 }),
        fc.boolean(),
        fc.boolean(),
        ({ publicKey }, devices, lower, link) => {
          const card = { identity: publicKey, ...(devices > 0 && { bundle: bundleOf(publicKey, devices) }) };
          const text = (link ? 'https://chat.example/add#' : '') + encodeContactCard(crypto, card);
          expect(parse(lower ? text.toLowerCase() : text)).toEqual(card);
        },
      ),
      { numRuns: 50 },
    );
  });

  test('broken into lines by a mail program is still whole', () => {
    expect(parse(` ${full.match(/.{1,70}/g)?.join('\r\n ')}\n`)).toEqual({ identity: alice, bundle });
  });
});

describe('the limit of the caller', () => {
  test('leaves the bundle out when it does not fit', () => {
    const card = { identity: alice, bundle };
    expect(encodeContactCard(crypto, card, { maxCharacters: full.length })).toBe(full);
    expect(encodeContactCard(crypto, card, { maxCharacters: full.length - 1 })).toBe(plain);
  });

  test('has no room for less than an identity', () => {
    const options = { maxCharacters: plain.length - 1 };
    expect(
      thrown('LIMIT_EXCEEDED', () => encodeContactCard(crypto, { identity: alice }, options)).details,
    ).toEqual({
      what: 'contact card, characters',
      limit: plain.length - 1,
      actual: plain.length,
    });
  });

  test('by default is a QR code of 81 modules and a quiet zone, and room for three devices', () => {
    const text = encodeContactCard(crypto, { identity: alice, bundle: bundleOf(alice, 3) });
    expect(parse(text).bundle?.signedPreKeys.size).toBe(3);
    expect(text.length).toBeLessThanOrEqual(CONTACT_CARD_CHARACTERS);
    expect(qrModules('A'.repeat(CONTACT_CARD_CHARACTERS))).toHaveLength(81 + 8);
    expect(qrModules('A'.repeat(CONTACT_CARD_CHARACTERS + 1)).length).toBeGreaterThan(81 + 8);
  });
});

describe('what is not written', () => {
  test('a bundle of another identity', () => {
    const card = { identity: mallory, bundle };
    expect(thrown('WRONG_IDENTITY', () => encodeContactCard(crypto, card)).details).toEqual({
      expected: encodeHex(mallory),
      actual: encodeHex(alice),
    });
  });

  test('an identity that is no key', () => {
    thrown('INVALID_PUBLIC_KEY', () => encodeContactCard(crypto, { identity: new Uint8Array(33) }));
  });
});

describe('hostile: a wrong scan, a damaged one, another identity', () => {
  test.each([
    ['nothing', ''],
    ['a wine label', 'https://wine.example/b/2931'],
    ['a Wi-Fi code', 'WIFI:S:home;T:WPA;P:12345678;;'],
    ['a public key', formatKeyText(crypto, alice, 'base58btc')],
    ['a contact code', encodeContactCode(bundle)],
    ['a card in a query instead of a fragment', `https://chat.example/?${plain}`],
  ])('%s is not a card', (_, text) => {
    expect(problem(text)).toEqual({ problem: 'not-a-card' });
  });

  test('each character changed to any other: damaged', () => {
    for (let i = 'SOTTO:'.length; i < plain.length; i++) {
      for (const other of '127A_/:') {
        if (plain[i] === other) continue;
        expect(problem(plain.slice(0, i) + other + plain.slice(i + 1))).toMatchObject({ problem: 'damaged' });
      }
    }
  });

  test('cut off anywhere: damaged', () => {
    for (let end = 'SOTTO:'.length; end < full.length; end++) {
      expect(problem(full.slice(0, end))).toMatchObject({ problem: 'damaged' });
    }
  });

  test('two characters swapped, a character lost, one too many: damaged', () => {
    for (let i = 'SOTTO:1/'.length; i < plain.length - 1; i++) {
      const [a, b] = [plain.charAt(i), plain.charAt(i + 1)];
      if (a !== b) {
        expect(problem(plain.slice(0, i) + b + a + plain.slice(i + 2))).toMatchObject({ problem: 'damaged' });
      }
      expect(problem(plain.slice(0, i) + plain.slice(i + 1))).toMatchObject({ problem: 'damaged' });
      expect(problem(`${plain.slice(0, i)}Q${plain.slice(i)}`)).toMatchObject({ problem: 'damaged' });
    }
  });

  test('of newer software, intact; the same damaged', () => {
    const newer = forge(encodeUtf8('whatever the future brings'), '27');
    expect(problem(newer)).toEqual({ problem: 'newer-version', version: 27, supported: 1 });
    expect(problem(newer.replace('27', '26'))).toMatchObject({ problem: 'damaged' });
    expect(problem(plain.replace('SOTTO:1', 'SOTTO:2'))).toMatchObject({ problem: 'damaged' });
    expect(problem(forge(Uint8Array.of(0), '0'))).toMatchObject({ problem: 'damaged' });
  });

  test.each([
    ['no content', new Uint8Array()],
    ['an unknown kind', Uint8Array.of(2, ...alice)],
    ['an identity off the curve', new Uint8Array(34)],
    ['an identity cut off', Uint8Array.of(0, ...alice.subarray(1))],
    ['an identity of 65 bytes', Uint8Array.of(0, ...crypto.secp256k1.uncompressPublicKey(alice))],
    ['bytes that are not a bundle', Uint8Array.of(1, 0xff, 0xff)],
    ['a bundle without identity', Uint8Array.of(1)],
    [
      'a bundle whose identity is off the curve',
      Uint8Array.of(1, ...encodeBundle(bundleOf(new Uint8Array(33)))),
    ],
  ])('a good checksum over %s: damaged', (_, body) => {
    expect(problem(forge(body))).toMatchObject({ problem: 'damaged' });
  });

  test('another identity than the one expected', () => {
    for (const text of [plain, full]) {
      const { details } = thrown('WRONG_IDENTITY', () =>
        parseContactCard(crypto, text, { expected: mallory }),
      );
      expect(details).toEqual({ expected: encodeHex(mallory), actual: encodeHex(alice) });
      const uncompressed = crypto.secp256k1.uncompressPublicKey(alice);
      expect(parseContactCard(crypto, text, { expected: uncompressed }).identity).toEqual(alice);
    }
    thrown('INVALID_PUBLIC_KEY', () => parseContactCard(crypto, plain, { expected: new Uint8Array(33) }));
  });

  test('limits of text and bundle', () => {
    expect(thrown('LIMIT_EXCEEDED', () => parse(plain.padEnd(1_000_000, 'A'))).details).toEqual({
      what: 'contact card, characters',
      limit: CONTACT_CARD_MAX_CHARACTERS,
      actual: 1_000_000,
    });
    const decode = { limits: { maxDevicesPerBundle: 0 } };
    thrown('LIMIT_EXCEEDED', () => parseContactCard(crypto, full, { decode }));
  });

  test('any text gives a typed error', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.boolean(), (text, claims) => {
        const { details } = thrown('INVALID_CONTACT_CARD', () => parse((claims ? 'sotto:1/' : '') + text));
        expect(['not-a-card', 'damaged']).toContain(details.problem);
      }),
    );
  });
});
