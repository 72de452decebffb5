import type { Key } from 'ink';
import { describe, expect, it } from 'vitest';
import { EMPTY_LINE, edit, KeyReader, type Line } from '../src/screen/line-editor.js';

const NO_KEY = {} as Key;

/** The line after what came at once, as far as it is edited by it. */
function after(line: Line, input: string): Line {
  return new KeyReader().read(input, NO_KEY).reduce(edit, line);
}

describe('keys that come together', () => {
  it.each([
    ['text alone', 'hello', 'hello'],
    ['backspaces after text', 'helo\x7f\x7fllo', 'hello'],
    ['a whole picture character is taken away', 'ok 👍🏽\x7f', 'ok '],
    ['Ctrl-U and what replaces it', 'wrong\x15right', 'right'],
    ['Ctrl-W', 'one two\x17three', 'one three'],
    ['Ctrl-A', 'world\x01hello ', 'hello world'],
    ['other control characters mean nothing', 'a\x07b', 'ab'],
  ])('%s', (_, input, text) => {
    expect(after(EMPTY_LINE, input).text).toBe(text);
  });

  it('each Enter is one, wherever it stands, and a Tab as well', () => {
    const presses = (input: string) => new KeyReader().read(input, NO_KEY);
    expect(presses('/he\t\r').map(({ input, key }) => [input, key])).toEqual([
      ['/he', {}],
      ['', { tab: true }],
      ['\r', { return: true }],
    ]);
    // A page is left and a command given before the screen is drawn again: it must not go out as a message.
    expect(presses('\r/accept\r').map(({ input, key }) => [input, key])).toEqual([
      ['\r', { return: true }],
      ['/accept', {}],
      ['\r', { return: true }],
    ]);
  });

  it('a line break in pasted text is not an Enter', () => {
    const reader = new KeyReader();
    const presses = ['[200~', 'one\r\n/two\r', '[201~', 'x\r'].flatMap((input) => reader.read(input, NO_KEY));
    expect(presses.filter(({ key }) => key.return)).toHaveLength(1);
    expect(presses.slice(0, 1).reduce(edit, EMPTY_LINE).text).toBe('one\n/two\n');
  });

  it('what came alone is as it was told', () => {
    expect(new KeyReader().read('', { leftArrow: true } as Key)).toEqual([
      { input: '', key: { leftArrow: true } },
    ]);
  });
});
