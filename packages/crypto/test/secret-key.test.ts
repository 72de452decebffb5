import { createCipheriv, createHmac, type KeyObject } from 'node:crypto';
import { expect, it } from 'vitest';
import { secretKeyFor } from '../src/node/secret-key.js';

it.each([
  ['20.19.0', false],
  ['22.23.3', false],
  ['24.17.0', false],
  ['24.18.1', true],
  ['24.21.0', true],
  ['25.9.0', false],
  ['26.10.0', false],
])('Node.js %s gets keys as key objects: %s', (version, expected) => {
  expect(secretKeyFor(version)(new Uint8Array(32)) instanceof Uint8Array).toBe(!expected);
});

it.each([0, 1, 32, 64, 200])('a key object of %s bytes is the same key', (length) => {
  const bytes = new Uint8Array(length).fill(7);
  const mac = (key: Uint8Array | KeyObject) => createHmac('sha256', key).update('x').digest('hex');
  expect(mac(secretKeyFor('24.21.0')(bytes))).toBe(mac(bytes));
});

it('is the key that it was made of, whatever happens to the bytes', () => {
  const bytes = new Uint8Array(32).fill(7);
  const encrypt = (key: Uint8Array | KeyObject) =>
    createCipheriv('aes-256-ctr', key, new Uint8Array(16)).update('x').toString('hex');
  const expected = encrypt(bytes);
  const key = secretKeyFor('24.21.0')(bytes);
  bytes.fill(0);
  expect(encrypt(key)).toBe(expected);
});
