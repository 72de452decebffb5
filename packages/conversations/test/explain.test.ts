import { encodeUtf8, isSottoError, SottoError } from '@sotto/core';
import { defaultProvider } from '@sotto/crypto';
import {
  compareSafetyNumbers,
  decodeQr,
  encodeContactCard,
  formatKeyText,
  parseContact,
  parseMnemonic,
  parseRecipient,
} from '@sotto/identity';
import { describe, expect, it } from 'vitest';
import { encodeText, explain, explainClock, parsePersonName } from '../src/index.js';

const crypto = defaultProvider();
const { publicKey } = crypto.secp256k1.generateKeyPair();
const card = encodeContactCard(crypto, { identity: publicKey });
const key = formatKeyText(crypto, publicKey, 'uncompressed');
const WORDS = 'legal winner thank year wave sausage worth useful legal winner thank yellow';

const base64 = (text: string) => btoa(text);
const contact = (text: string, expected?: Uint8Array) => () =>
  parseContact(crypto, text, expected === undefined ? {} : { expected });
const words = (text: string) => () => parseMnemonic(text);

const backup = () => {
  throw new SottoError('MALFORMED_MESSAGE', '', { what: 'backup', reason: 'it is not a backup of Sotto' });
};

/** What people type, paste or scan, and a piece of what they are told. */
const CASES: readonly (readonly [what: string, run: () => unknown, told: string])[] = [
  ['a contact code that is not base64', contact('hello there!'), 'Was something else copied'],
  ['a contact code with wrong JSON inside', contact(base64('{"identity": ')), 'not a valid contact card'],
  ['a file that is not a backup', backup, 'This is not a backup'],
  ['a contact code with JSON of something else', contact(base64('{"a": 1}')), 'This key does not exist'],
  ['a card of someone else', contact(card, crypto.secp256k1.generateKeyPair().publicKey), 'someone else'],
  ['a card cut off', contact(card.slice(0, -5)), 'damaged'],
  [
    'a card with a character changed',
    contact(card.replace(/.$/, (end) => (end === 'A' ? 'B' : 'A'))),
    'damaged',
  ],
  ['a card of a later version', contact(laterCard()), 'newer version'],
  ['a key with characters that no key has', contact('0xhello'), 'starts like a key'],
  ['a key cut off', contact(key.slice(0, -2)), 'length'],
  ['a key with a digit changed', contact(`0x04${'11'.repeat(64)}`), 'This key does not exist'],
  [
    'a name that is too long',
    () => parseRecipient(crypto, `${'a'.repeat(300)}.eth`),
    'This is not a name: alice.eth is one',
  ],
  [
    'an address with a capital changed',
    () => parseRecipient(crypto, `0xD8${'dA6BF26964aF9D7eEd9e03E53415D37aA96045'}`),
    'not an Ethereum address',
  ],
  ['a mnemonic with a wrong word', words(WORDS.replace('winner', 'winer')), 'Word 2 is'],
  ['a mnemonic with two wrong words', words(WORDS.replace('legal winner', 'lgal winer')), 'places 1, 2'],
  ['a mnemonic with a word too few', words(WORDS.replace(' yellow', '')), 'These are 11 words'],
  ['a mnemonic with two words swapped', words(WORDS.replace('wave sausage', 'sausage wave')), 'swapped'],
  [
    'a picture without a code',
    () => decodeQr({ width: 8, height: 8, data: new Uint8Array(256) }),
    'No QR code',
  ],
  ['a safety number cut off', () => compareSafetyNumbers('12345', '1'.repeat(60)), '60 digits'],
  ['a safety number with letters', () => compareSafetyNumbers('x'.repeat(60), '1'.repeat(60)), 'digits only'],
  ['a message of nothing', () => encodeText(' '), 'Nothing was written'],
  ['a message without end', () => encodeText('x'.repeat(20_000)), 'too long for one message'],
  ['a name that turns the direction of writing', () => parsePersonName('a\u202eb'), 'invisible characters'],
];

/** Made as a later version would: the frame and its checksum stay. */
function laterCard(): string {
  const prefix = 'SOTTO:2/';
  const body = Uint8Array.of(9, ...publicKey);
  const checksum = crypto.sha256(encodeUtf8(prefix), body).subarray(0, 4);
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const bits = [...body, ...checksum].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  const digits = bits.match(/.{1,5}/g) ?? [];
  return prefix + digits.map((five) => alphabet[Number.parseInt(five.padEnd(5, '0'), 2)]).join('');
}

function explained(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (isSottoError(error)) return explain(error);
    throw error;
  }
  throw new Error('nothing went wrong');
}

describe('what went wrong, in plain words', () => {
  it.each(CASES)('%s', (_, run, told) => {
    expect(explained(run)).toContain(told);
  });

  it('each of them is told apart from the others', () => {
    const pieces = CASES.map(([, , told]) => told);
    const same = pieces.filter((piece, i) => pieces.indexOf(piece) !== i);
    // Two ways to damage a card are one mistake, and so are two ways to a key that can't be.
    expect(same).toEqual(['damaged', 'This key does not exist']);
  });

  it('repeats nothing of what was typed', () => {
    for (const [, run] of CASES) {
      for (const typed of ['winer', 'lgal', 'hello', card.slice(10, 20)]) {
        expect(explained(run)).not.toContain(typed);
      }
    }
  });

  it('an application may have sentences of its own; what people typed is still told apart', () => {
    const locked = new SottoError('STORE_LOCKED', '', { where: '' });
    expect(explain(locked, { STORE_LOCKED: 'Another tab has it open.' })).toBe('Another tab has it open.');
    expect(explain(locked, { STORE_CORRUPT: 'Damaged.' })).toContain('in use');
  });
});

describe('a clock that is off, in plain words', () => {
  it.each([
    [14_000, true, /14 seconds ahead.*still go through.*correct it/],
    [-10 * 60_000, true, /10 minutes behind/],
    [3 * 3_600_000, true, /3 hours ahead/],
    [-40 * 3_600_000, false, /2 days behind.*can't be sent/],
  ])('%i ms', (skewMs, corrected, sentence) => {
    expect(explainClock({ skewMs, corrected, source: 'node' })).toMatch(sentence);
  });

  it('one that is right again is nothing to tell', () => {
    expect(explainClock({ skewMs: 0, corrected: true, source: 'node' })).toBeUndefined();
  });
});
