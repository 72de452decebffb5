import { createPortableProvider } from '@sotto/crypto';
import { describe, expect, it } from 'vitest';
import { ENOUGH, rememberPassphrase, strengthOf } from '../src/passphrase.js';

describe('the strength of a passphrase', () => {
  // cspell:disable
  it.each([
    '',
    'short',
    '12345678',
    '1234567890123',
    'password',
    'Password1',
    'p@ssw0rd!',
    'aaaaaaaaaaaaaaaa',
    'abcabcabcabc',
    'abcdefghijkl',
    'qwertyuiop',
    'qwertz12345',
    'iloveyou1',
    'cat cat cat cat',
    '11/11/1111',
  ])('%s is refused', (weak) => {
    expect(strengthOf(weak).score).toBeLessThan(ENOUGH);
  });

  it.each([
    'correct horse battery',
    'vW9#kq2Lr',
    'tR5mpQ8zWx1',
    'Бабушка любит поезда',
    'four quite unrelated words',
  ])('%s is accepted', (strong) => {
    expect(strengthOf(strong).score).toBeGreaterThanOrEqual(ENOUGH);
  });
  // cspell:enable

  it('grows with its words, and says what helps', () => {
    const scores = [
      'horse',
      'horse battery',
      'correct horse battery',
      'correct horse battery staple',
      'six of these correct horse battery staple',
    ].map((passphrase) => strengthOf(passphrase).score);
    expect(scores).toEqual([...scores].sort());
    expect(scores.at(-1)).toBe(4);
    expect(strengthOf('horse').words).toContain('Too short');
    expect(strengthOf('12345678').words).toContain('unrelated words');
  });
});

it('a passphrase is told again, however its letters are composed, and no other', () => {
  const is = rememberPassphrase(createPortableProvider(), 'Café by night');
  expect(is('Cafe\u0301 by night')).toBe(true);
  expect(is('Café by day')).toBe(false);
  expect(is('')).toBe(false);
});
