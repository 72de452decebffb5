import { createDecipheriv, createHmac } from 'node:crypto';
import { concatBytes, encodeHex, encodeUtf8 } from '@sotto/core';
import { createPortableProvider } from '@sotto/crypto';
import { expect, it } from 'vitest';
import { decodeMessage, encrypt, senderKeyOf, startOwnChain } from '../src/index.js';
import { CONTEXT } from './party.js';

/** A second, plain implementation with Node's own primitives. */
const hmac = (key: Uint8Array, byte: number) =>
  createHmac('sha256', key).update(Uint8Array.of(byte)).digest();

function openPlainly(chainKey: Uint8Array, encoded: Uint8Array): { text: string; associated: Uint8Array } {
  const { chain, index, sealed } = decodeMessage(encoded);
  let key = Buffer.from(chainKey);
  for (let i = 0; i < index; i++) key = hmac(key, 2);
  const associated = Buffer.concat([
    Buffer.from('sotto sender key message 1'),
    CONTEXT.groupId,
    CONTEXT.sender,
    chain,
    Buffer.from([index >>> 24, (index >>> 16) & 255, (index >>> 8) & 255, index & 255]),
    Buffer.from(CONTEXT.installationId),
  ]);
  const decipher = createDecipheriv('aes-256-gcm', hmac(key, 1), sealed.subarray(0, 12));
  decipher.setAAD(associated);
  decipher.setAuthTag(sealed.subarray(-16));
  const text = Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()]).toString();
  return { text, associated };
}

it('messages are what a second implementation makes of the description', () => {
  const crypto = createPortableProvider();
  let chain = startOwnChain(crypto);
  const first = senderKeyOf(crypto, chain).chainKey;
  for (let index = 0; index < 300; index += 1) {
    const text = 'a'.repeat(index);
    const { next, encoded } = encrypt(crypto, chain, CONTEXT, encodeUtf8(text));
    if (index % 37 === 0 || index > 254) {
      const plain = openPlainly(first, encoded);
      expect(plain.text).toBe(text);
      const { sealed, signature } = decodeMessage(encoded);
      const label = encodeUtf8('sotto sender key signature 1');
      const digest = crypto.keccak256(concatBytes(label, crypto.keccak256(plain.associated), sealed));
      expect(crypto.secp256k1.recoverPublicKey(digest, signature)).toEqual(chain.chain);
    }
    chain = next;
  }
});

it('the bytes of a message stay what they were', () => {
  let drawn = 0;
  const crypto = createPortableProvider({ random: (length) => new Uint8Array(length).fill(++drawn) });
  const chain = startOwnChain(crypto);
  const { encoded, next } = encrypt(crypto, chain, CONTEXT, encodeUtf8('hello'));
  expect(encodeHex(encoded)).toBe(
    '0a21031b84c5567b126440995d3ed5aaba0565d71e1834604819ff9c17f5e9d5dd078f1a210303030303030303030303032718bdeb9e4658a92e6eb89e9784defb16b502698122410c97f19280eb2e578acb37da345744290ada335a3a183eb0bf44fb2f561b46f3505ecdd2309008c5ac1902fba4b5648c3fca25aa8a97ec6c90520c790499a4bf00',
  );
  expect(encodeHex(encrypt(crypto, next, CONTEXT, encodeUtf8('hello')).encoded)).toBe(
    '0a21031b84c5567b126440995d3ed5aaba0565d71e1834604819ff9c17f5e9d5dd078f10011a21040404040404040404040404842a3972b167d37e1c20743490d95d3997e5333b362241f35f49c6bd5523f7b3a2d1eb8fb39538f9f5928c46d842f3b6c76d783aa56a0663c678ed0f20ec6322b3935cda0f06a555be56e2815de4b261b467cfb4e2194c00',
  );
  expect(openPlainly(chain.chainKey, encoded).text).toBe('hello');
});
