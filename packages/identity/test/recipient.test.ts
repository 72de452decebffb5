import { encodeContactCode } from '@sotto/protocol-codec';
import { describe, expect, test } from 'vitest';
import {
  encodeContactCard,
  formatKeyText,
  type KeyTextForm,
  parseRecipient,
  walletAddress,
} from '../src/index.js';
import { bundleOf, crypto, thrown } from './support.js';

const identity = crypto.secp256k1.keyPairFromPrivateKey(new Uint8Array(32).fill(1)).publicKey;
const mallory = crypto.secp256k1.keyPairFromPrivateKey(new Uint8Array(32).fill(2)).publicKey;
const bundle = bundleOf(identity);
const card = encodeContactCard(crypto, { identity, bundle });
const code = encodeContactCode(bundle);
const address = walletAddress(crypto, identity);
const parse = (text: string) => parseRecipient(crypto, text);

describe('a recipient', () => {
  test.each(['uncompressed', 'compressed', 'base16', 'base58btc'] satisfies KeyTextForm[])(
    'may be a key, %s',
    (form) => {
      const text = formatKeyText(crypto, identity, form);
      for (const given of [text, ` ${text}\n`, `https://chat.example/#${text}`]) {
        expect(parse(given)).toEqual({ kind: 'key', identity });
      }
    },
  );

  test('may be a did:key', () => {
    const text = `did:key:${formatKeyText(crypto, identity, 'base58btc')}`;
    expect(parse(text)).toEqual({ kind: 'key', identity });
    expect(parse(`${text}#controller`)).toEqual({ kind: 'key', identity });
  });

  test('may be a card, or a link with one', () => {
    const plain = encodeContactCard(crypto, { identity });
    expect(parse(plain)).toEqual({ kind: 'card', identity });
    for (const given of [card, card.toLowerCase(), `https://chat.example/add#${card}`]) {
      expect(parse(given)).toEqual({ kind: 'card', identity, bundle });
    }
    thrown('INVALID_CONTACT_CARD', () => parse(card.slice(0, -9)));
    // Of a link with something else inside, the error is about the link.
    for (const other of ['card', 'page 2'])
      thrown('INVALID_TEXT', () => parse(`https://example.org/#${other}`));
  });

  test('may be a contact code', () => {
    for (const given of [code, `https://chat.example/#${encodeURIComponent(code)}`]) {
      expect(parse(given)).toEqual({ kind: 'contact-code', identity, bundle });
    }
  });

  test('may be a name, as it was typed', () => {
    for (const name of ['alice.eth', 'Alice.ETH', 'pay.alice.eth', 'ñandú.eth', '🦊.eth', 'example.org']) {
      for (const given of [name, `  ${name} `, `ethereum:${name}`, `https://chat.example/#${name}`]) {
        expect(parse(given)).toEqual({ kind: 'name', name });
      }
    }
    expect(parse('https://chat.example/#%F0%9F%A6%8A.eth')).toEqual({ kind: 'name', name: '🦊.eth' });
    expect(thrown('INVALID_TEXT', () => parse(`${'a'.repeat(300)}.eth`)).details.what).toBe('ENS name');
  });

  test('may be an Ethereum address, whose checksum is checked if it has one', () => {
    for (const given of [
      address,
      address.toLowerCase(),
      `0x${address.slice(2).toUpperCase()}`,
      `ethereum:${address}`,
      `ethereum:${address}@1`,
      `ethereum:pay-${address}?value=1`,
    ]) {
      expect(parse(given)).toEqual({ kind: 'address', address });
    }
    const swapped = `0x${[...address.slice(2)]
      .map((digit) => (digit === digit.toLowerCase() ? digit.toUpperCase() : digit.toLowerCase()))
      .join('')}`;
    expect(thrown('INVALID_TEXT', () => parse(swapped)).details.what).toBe('Ethereum address');
  });

  test.each([
    '',
    '.',
    'alice',
    'alice.',
    '.eth',
    'a..eth',
    'alice@example.org',
    '0x12',
    'https://chat.example/',
    'https://chat.example/#',
    'https://a.example/#https://b.example/#alice.eth',
    // A call of a contract names nobody to write to.
    'ethereum:0x7e5f4552091a69125d5dfcb7b8c2659029395bdf/transfer?address=bob.eth',
    'legal winner thank year wave sausage worth useful legal winner thank yellow',
  ])('is nobody: %j', (text) => {
    expect(() => parse(text)).toThrow(expect.objectContaining({ name: 'SottoError' }));
  });

  test('of another identity than expected is refused', () => {
    for (const given of [card, code, formatKeyText(crypto, identity, 'compressed')]) {
      thrown('WRONG_IDENTITY', () => parseRecipient(crypto, given, { expected: mallory }));
    }
  });

  test('no error repeats a text that may be a secret', () => {
    const secret = '0123456789abcdef'.repeat(4);
    const error = thrown('INVALID_LENGTH', () => parse(secret));
    expect(`${error.message} ${JSON.stringify(error.details)}`).not.toContain('0123');
  });
});
