import { SottoError } from '@sotto/core';
import { parseMnemonic } from '@sotto/identity';
import { expect, it } from 'vitest';
import { explain } from '../src/explain.js';

it('what went wrong, in words: of what was typed, of this browser, of a file, and of what no one foresaw', () => {
  try {
    parseMnemonic('legal winner');
    expect.unreachable();
  } catch (error) {
    expect(explain(error)).toContain('These are 2 words');
  }
  expect(explain(new SottoError('STORE_WRONG_PASSPHRASE', '', {}))).toContain('Wrong passphrase');
  expect(explain(new SottoError('STORE_LOCKED', '', { where: '' }))).toContain('Another tab');
  expect(explain(new TypeError('Choose a file.'))).toBe('Choose a file.');
  expect(explain(new Error('x is undefined'))).toContain('unexpected');
});
