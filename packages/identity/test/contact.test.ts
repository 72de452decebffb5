import { encodeBase64, encodeHex, encodeUtf8 } from '@sotto/core';
import { encodeBundle, encodeContactCode } from '@sotto/protocol-codec';
import { describe, expect, test } from 'vitest';
import { encodeContactCard, formatKeyText, type KeyTextForm, parseContact } from '../src/index.js';
import { bundleOf, crypto, thrown } from './support.js';

const alice = crypto.secp256k1.keyPairFromPrivateKey(new Uint8Array(32).fill(1)).publicKey;
const mallory = crypto.secp256k1.keyPairFromPrivateKey(new Uint8Array(32).fill(2)).publicKey;
const bundle = bundleOf(alice, 2);
const forms: KeyTextForm[] = ['uncompressed', 'compressed', 'base16', 'base58btc'];

const texts: [what: string, text: string, bundle: boolean][] = [
  ['a card', encodeContactCard(crypto, { identity: alice }), false],
  ['a card with a bundle', encodeContactCard(crypto, { identity: alice, bundle }), true],
  ['a link', `https://chat.example/#${encodeContactCard(crypto, { identity: alice })}`, false],
  ...forms.map((form): [string, string, boolean] => [
    `a key, ${form}`,
    formatKeyText(crypto, alice, form),
    false,
  ]),
  ['a key without 0x', encodeHex(alice), false],
  ['a contact code of JSON', encodeContactCode(bundle), true],
  ['a contact code of protobuf', encodeBase64(encodeBundle(bundle)), true],
];

test.each(texts)('%s names a person', (_, text, hasBundle) => {
  const expected = hasBundle ? { identity: alice, bundle } : { identity: alice };
  expect(parseContact(crypto, ` ${text}\n`)).toEqual(expected);
  expect(parseContact(crypto, text, { expected: alice })).toEqual(expected);
});

test.each(texts)('hostile: %s of another key than the one scanned', (_, text) => {
  expect(thrown('WRONG_IDENTITY', () => parseContact(crypto, text, { expected: mallory })).details).toEqual({
    expected: encodeHex(mallory),
    actual: encodeHex(alice),
  });
});

describe('hostile: contact code with wrong base64, wrong JSON', () => {
  test('wrong base64', () => {
    thrown('INVALID_TEXT', () => parseContact(crypto, 'eyJ*'));
    thrown('INVALID_TEXT', () => parseContact(crypto, encodeContactCode(bundle).replace('J', '!')));
  });

  test('wrong JSON', () => {
    const code = (text: string) => encodeBase64(encodeUtf8(text));
    thrown('MALFORMED_MESSAGE', () => parseContact(crypto, code('{')));
    thrown('MALFORMED_MESSAGE', () => parseContact(crypto, code('{"identity":7}')));
  });

  test('an identity off the curve', () => {
    thrown('INVALID_PUBLIC_KEY', () => parseContact(crypto, encodeContactCode(bundleOf(new Uint8Array(33)))));
  });
});

test('hostile: the errors are those of the form that the text begins like', () => {
  thrown('INVALID_CONTACT_CARD', () => parseContact(crypto, 'sotto:1/ABC'));
  thrown('INVALID_LENGTH', () => parseContact(crypto, `0x${'11'.repeat(32)}`));
  thrown('INVALID_TEXT', () => parseContact(crypto, 'zQ3sh0OIl'));
  thrown('INVALID_TEXT', () => parseContact(crypto, 'https://wine.example/b/2931'));
  thrown('MALFORMED_MESSAGE', () => parseContact(crypto, ' '));
  thrown('LIMIT_EXCEEDED', () => parseContact(crypto, 'A'.repeat(1_000_000)));
  thrown('INVALID_PUBLIC_KEY', () =>
    parseContact(crypto, encodeHex(alice), { expected: new Uint8Array(33) }),
  );
});
