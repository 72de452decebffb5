import type { Key } from 'ink';
import { describe, expect, it } from 'vitest';
import { EMPTY_LINE, edit, type Line, strokesIn } from '../src/screen/line-editor.js';

const NO_KEY = {} as Key;

/** The line after what came at once, as far as it is edited by it. */
function after(line: Line, input: string): Line {
  return strokesIn(input, NO_KEY).reduce(edit, line);
}

describe('keys that come together', () => {
  it.each([
    ['text alone', 'hello', 'hello'],
    ['backspaces after text', 'helo\x7f\x7fllo', 'hello'],
    ['a whole picture character is taken away', 'ok 👍🏽\x7f', 'ok '],
    ['Ctrl-U and what replaces it', 'wrong\x15right', 'right'],
    ['Ctrl-W', 'one two\x17three', 'one three'],
    ['Ctrl-A', 'world\x01hello ', 'hello world'],
    ['line breaks in the middle stay', 'one\r\ntwo', 'one\ntwo'],
    ['other control characters mean nothing', 'a\x07b', 'ab'],
  ])('%s', (_, input, text) => {
    expect(after(EMPTY_LINE, input).text).toBe(text);
  });

  it('an Enter at the end is one, a Tab before it as well', () => {
    expect(strokesIn('/he\t\r', NO_KEY).map(({ input, key }) => [input, key])).toEqual([
      ['/he', {}],
      ['', { tab: true }],
      ['\r', { return: true }],
    ]);
  });

  it('what came alone is as it was told', () => {
    expect(strokesIn('', { leftArrow: true } as Key)).toEqual([{ input: '', key: { leftArrow: true } }]);
  });
});
