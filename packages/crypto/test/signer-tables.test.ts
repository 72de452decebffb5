import { concatBytes, type KeyPair } from '@sotto/core';
import { expect, test } from 'vitest';
import { SignerTables } from '../src/portable/signer-tables.js';
import { createPortableProvider } from '../src/portable.js';

const { secp256k1, sha256 } = createPortableProvider();
const pair = () => secp256k1.generateKeyPair();
const digest = sha256(Uint8Array.of(1));

function verify(tables: SignerTables, by: KeyPair, from: KeyPair): boolean {
  const signature = secp256k1.signRecoverable(digest, by.privateKey);
  const leading = concatBytes(signature.subarray(64), signature.subarray(0, 64));
  return tables.verify(digest, leading, from.publicKey);
}

function meet(tables: SignerTables, { publicKey }: KeyPair, times: number): void {
  for (let i = 0; i < times; i++) tables.countRecovered(publicKey);
}

test('a signer gets a table with its sixteenth signature, and one that fails gets none', () => {
  const tables = new SignerTables();
  const [alice, bob] = [pair(), pair()];
  meet(tables, alice, 15);
  expect(tables.has(alice.publicKey)).toBe(false);
  expect(verify(tables, alice, alice)).toBe(false);
  meet(tables, alice, 1);
  expect(tables.has(alice.publicKey)).toBe(true);
  expect(verify(tables, alice, alice)).toBe(true);
  for (let i = 0; i < 40; i++) expect(verify(tables, bob, alice)).toBe(false);
  for (let i = 0; i < 40; i++) expect(verify(tables, alice, bob)).toBe(false);
  expect(tables.has(bob.publicKey)).toBe(false);
});

test('only one of the two keys of r and s is the signer', () => {
  const tables = new SignerTables({ signatures: 1 });
  const alice = pair();
  meet(tables, alice, 1);
  const signature = secp256k1.signRecoverable(digest, alice.privateKey);
  const otherV = concatBytes(Uint8Array.of((signature[64] as number) ^ 1), signature.subarray(0, 64));
  expect(tables.verify(digest, otherV, alice.publicKey)).toBe(false);
});

test('a table in use stays, whoever comes with new keys; one out of use gives way', () => {
  const tables = new SignerTables({ tables: 2, signatures: 2, unused: 10 });
  const [alice, bob] = [pair(), pair()];
  meet(tables, alice, 2);
  meet(tables, bob, 2);
  for (let i = 0; i < 8; i++) {
    const flood = pair();
    meet(tables, flood, 2);
    expect(tables.has(flood.publicKey)).toBe(false);
    // After seven signatures of others at most.
    if (i % 3 === 0) for (const one of [alice, bob]) expect(verify(tables, one, one)).toBe(true);
  }
  const carol = pair();
  for (let i = 0; i < 11; i++) expect(verify(tables, bob, bob)).toBe(true);
  meet(tables, carol, 2);
  expect([alice, bob, carol].map(({ publicKey }) => tables.has(publicKey))).toEqual([false, true, true]);
});

test('keys beyond those counted are forgotten, the least recently met first', () => {
  const tables = new SignerTables({ counted: 8, signatures: 2 });
  const [rare, frequent] = [pair(), pair()];
  meet(tables, rare, 1);
  for (let i = 0; i < 12; i++) meet(tables, pair(), 1);
  meet(tables, frequent, 1);
  for (let i = 0; i < 4; i++) meet(tables, pair(), 1);
  for (const one of [rare, frequent]) meet(tables, one, 1);
  expect([rare, frequent].map(({ publicKey }) => tables.has(publicKey))).toEqual([false, true]);
});
