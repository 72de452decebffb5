import { encodeHex } from '@sotto/core';
import { loadVectors } from '@sotto/testing/vectors';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  accountFromMnemonic,
  createMnemonic,
  MNEMONIC_MAX_CHARACTERS,
  type MnemonicWordCount,
  PASSPHRASE_MAX_CHARACTERS,
  parseMnemonic,
} from '../src/index.js';
import { crypto, shown, thrown } from './support.js';

const WORDS = 'legal winner thank year wave sausage worth useful legal winner thank yellow';
const identityOf = (text: string, passphrase?: string) =>
  encodeHex(accountFromMnemonic(crypto, parseMnemonic(text), passphrase).identity.publicKey);

describe('a new mnemonic', () => {
  const counts: MnemonicWordCount[] = [12, 15, 18, 21, 24];

  test.each(counts)('has %i words, which are read back', (words) => {
    const mnemonic = createMnemonic(crypto, { words });
    expect(mnemonic.words).toHaveLength(words);
    expect(parseMnemonic(mnemonic.words.join(' ')).words).toEqual(mnemonic.words);
  });

  test('has 12 words when nothing is said', () => {
    expect(createMnemonic(crypto).words).toHaveLength(12);
  });

  // Test vectors of BIP39: entropy of 0x7f.
  test('comes of the injected randomness, which is wiped', () => {
    const drawn: Uint8Array[] = [];
    const randomBytes = (length: number) => {
      const bytes = new Uint8Array(length).fill(0x7f);
      drawn.push(bytes);
      return bytes;
    };
    expect(createMnemonic({ ...crypto, randomBytes }).words.join(' ')).toBe(WORDS);
    expect(drawn).toEqual([new Uint8Array(16)]);
  });

  test('of any other count is refused', () => {
    for (const words of [0, 11, 13, 27, 12.5]) {
      thrown('INVALID_ARGUMENT', () => createMnemonic(crypto, { words: words as MnemonicWordCount }));
    }
  });

  test('cannot be changed', () => {
    const { words } = createMnemonic(crypto);
    expect(() => (words as string[]).push('more')).toThrow(TypeError);
  });
});

describe('hostile: mnemonic with a wrong word, count or checksum', () => {
  test('wrong word: its place, and not the word', () => {
    const error = thrown('INVALID_MNEMONIC', () => parseMnemonic(WORDS.replace('sausage', 'sossidge')));
    expect(error.details).toEqual({ problem: 'word', positions: [6] });
    expect(error.message).toBe('Word 6 is not of the word list.');
  });

  test('several wrong words: all places', () => {
    const error = thrown('INVALID_MNEMONIC', () => parseMnemonic(WORDS.replaceAll('legal', 'lehal')));
    expect(error.details).toEqual({ problem: 'word', positions: [1, 9] });
    expect(error.message).toBe('Words 1, 9 are not of the word list.');
  });

  test.each([
    ['nothing', '', 0],
    ['spaces', ' \n\t ', 0],
    ['one word', 'legal', 1],
    ['a word lost', WORDS.replace(' yellow', ''), 11],
    ['a word too many', `${WORDS} yellow`, 13],
    ['27 words', 'zoo '.repeat(27), 27],
  ])('wrong count: %s', (_, text, count) => {
    const error = thrown('INVALID_MNEMONIC', () => parseMnemonic(text));
    expect(error.details).toEqual({ problem: 'count', count });
  });

  test('two words run together: the place, which says more than the count', () => {
    const error = thrown('INVALID_MNEMONIC', () =>
      parseMnemonic(WORDS.replace('winner thank', 'winnerthank')),
    );
    expect(error.details).toEqual({ problem: 'word', positions: [2] });
  });

  test('wrong checksum: a word of the list in the wrong place', () => {
    const error = thrown('INVALID_MNEMONIC', () => parseMnemonic(WORDS.replace('yellow', 'year')));
    expect(error.details).toEqual({ problem: 'checksum' });
  });

  test('two words swapped', () => {
    const error = thrown('INVALID_MNEMONIC', () =>
      parseMnemonic(WORDS.replace('legal winner', 'winner legal')),
    );
    expect(error.details).toEqual({ problem: 'checksum' });
  });

  test('no error holds a word that was typed', () => {
    const texts = [
      WORDS.replace('sausage', 'sossidge'),
      WORDS.replace(' yellow', ''),
      WORDS.replace('yellow', 'year'),
    ];
    for (const text of texts) {
      const error = thrown('INVALID_MNEMONIC', () => parseMnemonic(text));
      const { stack: _, ...rest } = Object.getOwnPropertyDescriptors(error);
      const told = `${error.message} ${JSON.stringify(error.details)} ${JSON.stringify(rest)} ${String(error.cause)}`;
      for (const word of ['sossidge', 'sausage', 'legal', 'winner', 'thank'])
        expect(told).not.toContain(word);
      expect(shown(error)).not.toContain('sossidge');
    }
  });

  test('a text beyond the limit is refused before it is looked at', () => {
    const text = 'legal '.repeat(1000);
    expect(thrown('LIMIT_EXCEEDED', () => parseMnemonic(text)).details).toEqual({
      what: 'mnemonic, characters',
      limit: MNEMONIC_MAX_CHARACTERS,
      actual: text.length,
    });
  });
});

describe('hostile: odd spacing and Unicode forms (NFKD) still the same key', () => {
  const fullWidth = [...WORDS]
    .map((c) => (c === ' ' ? '\u3000' : String.fromCharCode(c.charCodeAt(0) + 0xfee0)))
    .join('');

  test.each([
    ['around', `\n  ${WORDS}\t\r\n`],
    ['a word a line', WORDS.replaceAll(' ', '\r\n')],
    ['no-break and double spaces', WORDS.replaceAll(' ', '\u00a0  ')],
    ['zero-width spaces', WORDS.replaceAll(' ', '\u200b')],
    ['a byte order mark', `\ufeff${WORDS}`],
    ['upper case', WORDS.toUpperCase()],
    ['a keyboard that begins each word with a capital', WORDS.replace(/\b./g, (c) => c.toUpperCase())],
    ['full-width letters and ideographic spaces', fullWidth],
  ])('%s', (_, text) => {
    expect(identityOf(text)).toBe(identityOf(WORDS));
  });

  test('any spacing and case of any mnemonic', () => {
    const spaces = fc.stringMatching(/^[ \n\t\u00a0\u2003\u3000]{1,4}$/);
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 16, maxLength: 16 }),
        fc.infiniteStream(spaces),
        fc.boolean(),
        (entropy, gaps, upper) => {
          const { words } = createMnemonic({ ...crypto, randomBytes: () => entropy.slice() });
          const text = words.reduce((before, word) => before + gaps.next().value + word, '');
          expect(parseMnemonic(upper ? text.toUpperCase() : text).words).toEqual(words);
        },
      ),
      { numRuns: 50 },
    );
  });

  test('a passphrase composed or decomposed', () => {
    const vector = loadVectors('account').cases.find(({ passphrase }) => /[^\0-\x7f]/.test(passphrase));
    const { mnemonic, passphrase, chatPrivate } = vector ?? expect.unreachable('no passphrase beyond ASCII');
    for (const form of ['NFC', 'NFD', 'NFKC', 'NFKD']) {
      const { identity } = accountFromMnemonic(crypto, parseMnemonic(mnemonic), passphrase.normalize(form));
      expect(encodeHex(identity.privateKey)).toBe(chatPrivate);
    }
  });

  test('case and spaces of a passphrase count', () => {
    const identities = ['', 'a', 'A', 'a ', ' a'].map((passphrase) => identityOf(WORDS, passphrase));
    expect(new Set(identities).size).toBe(5);
  });

  test('a passphrase with half of a surrogate pair has no UTF-8 and is refused; one too long as well', () => {
    thrown('INVALID_TEXT', () => identityOf(WORDS, 'a\ud800'));
    expect(
      thrown('LIMIT_EXCEEDED', () => identityOf(WORDS, 'a'.repeat(PASSPHRASE_MAX_CHARACTERS + 1))).details,
    ).toEqual({
      what: 'passphrase, characters',
      limit: PASSPHRASE_MAX_CHARACTERS,
      actual: PASSPHRASE_MAX_CHARACTERS + 1,
    });
  });
});
