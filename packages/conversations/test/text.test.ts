import { encodeUtf8 } from '@sotto/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  conversationKey,
  decodeText,
  encodeText,
  excessCharacters,
  parseConversationKey,
  parsePersonName,
  TEXT_MAX_BYTES,
} from '../src/index.js';

const codeOf = (run: () => unknown): string => {
  try {
    run();
    return 'none';
  } catch (error) {
    return (error as { code: string }).code;
  }
};

describe('text', () => {
  it('comes back as it was, line breaks in one form', () => {
    for (const text of ['a', 'zwei\nZeilen\tTab', '👩‍👩‍👧 שלום', '\ufeffmark']) {
      expect(decodeText(encodeText(text))).toBe(text);
    }
    expect(decodeText(encodeText('a\r\nb\rc'))).toBe('a\nb\nc');
  });

  it.each([
    ['empty', '', 'INVALID_TEXT'],
    ['white space alone', ' \n ', 'INVALID_TEXT'],
    ['half of a surrogate pair', 'a\ud800', 'INVALID_TEXT'],
    ['a NUL', 'a\0b', 'INVALID_TEXT'],
    ['an escape code for terminals', '\x1b[31mred', 'INVALID_TEXT'],
    ['too many bytes', 'é'.repeat(TEXT_MAX_BYTES / 2 + 1), 'LIMIT_EXCEEDED'],
    ['far too many characters', 'a'.repeat(1_000_000), 'LIMIT_EXCEEDED'],
  ])('refuses to send %s', (_, text, code) => {
    expect(codeOf(() => encodeText(text))).toBe(code);
  });

  it.each([
    ['nothing', [], 'INVALID_TEXT'],
    ['what is not UTF-8', [0xff, 0xfe], 'INVALID_TEXT'],
    ['a protobuf message', [0x08, 0x01, 0x12, 0x02, 0x68, 0x69], 'INVALID_TEXT'],
    ['C1 controls', [0xc2, 0x9b], 'INVALID_TEXT'],
    ['too much', new Array(TEXT_MAX_BYTES + 1).fill(0x61), 'LIMIT_EXCEEDED'],
  ])('refuses to read %s', (_, bytes, code) => {
    expect(codeOf(() => decodeText(Uint8Array.from(bytes as number[])))).toBe(code);
  });

  it('what it wrote, it reads; other bytes are refused or are their own text', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        const code = codeOf(() => decodeText(bytes));
        expect(['none', 'INVALID_TEXT']).toContain(code);
        if (code === 'none') expect(new TextEncoder().encode(decodeText(bytes))).toEqual(bytes);
      }),
    );
  });
});

describe('the excess of a text', () => {
  it('is how many characters are too many, whatever their bytes', () => {
    expect(excessCharacters('')).toBe(0);
    expect(excessCharacters('x'.repeat(TEXT_MAX_BYTES))).toBe(0);
    expect(excessCharacters('x'.repeat(TEXT_MAX_BYTES + 3))).toBe(3);
    expect(excessCharacters('\r\n'.repeat(TEXT_MAX_BYTES))).toBe(0);
    for (const [character, bytes] of [
      ['é', 2],
      ['語', 3],
      ['🦊', 4],
    ] as const) {
      const fits = Math.floor(TEXT_MAX_BYTES / bytes);
      expect(excessCharacters(character.repeat(fits))).toBe(0);
      expect(excessCharacters(character.repeat(fits + 5))).toBe(5);
    }
  });

  it('is 0 exactly for what can be sent', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 5_000, maxLength: 9_000 }), (text) => {
        const fits = encodeUtf8(text.replace(/\r\n?/g, '\n')).length <= TEXT_MAX_BYTES;
        expect(excessCharacters(text) === 0).toBe(fits);
      }),
      { numRuns: 30 },
    );
  });
});

describe('names', () => {
  it('are trimmed, and refused when they could look like another one', () => {
    expect(parsePersonName('  Bob \n of  Berlin ')).toBe('Bob of Berlin');
    expect(codeOf(() => parsePersonName('Bob\u202eeve'))).toBe('INVALID_TEXT');
    expect(codeOf(() => parsePersonName('Bob\u0007'))).toBe('INVALID_TEXT');
    expect(codeOf(() => parsePersonName('x'.repeat(65)))).toBe('LIMIT_EXCEEDED');
  });
});

describe('keys of conversations', () => {
  it.each([`d-02${'ab'.repeat(32)}`, 'p-status', `g-${'0f'.repeat(32)}`])('%s', (key) => {
    expect(conversationKey(parseConversationKey(key))).toBe(key);
  });

  it.each(['', 'd-', 'd-04', `d-${'ab'.repeat(33)}`, 'p-', 'p-With Space', 'g-xyz', 'x-1'])(
    'refuses "%s"',
    (key) => {
      expect(codeOf(() => parseConversationKey(key))).toBe('INVALID_TEXT');
    },
  );
});
