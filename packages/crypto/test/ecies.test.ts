import { type ErrorCode, encodeHex, isSottoError } from '@sotto/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createPortableProvider, ECIES_OVERHEAD, openEcies, sealEcies } from '../src/index.js';

const crypto = createPortableProvider();
const recipient = crypto.secp256k1.keyPairFromPrivateKey(new Uint8Array(32).fill(7));
const plaintext = new Uint8Array(40).fill(0x5a);
const sealed = sealEcies(crypto, recipient.publicKey, plaintext);

function codeOf(run: () => unknown): ErrorCode | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    if (isSottoError(error)) return error.code;
    throw error;
  }
}

describe('ECIES', () => {
  test('opens what was sealed, whatever its length, to either form of the key', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), fc.boolean(), (bytes, compressed) => {
        const key = compressed
          ? recipient.publicKey
          : crypto.secp256k1.uncompressPublicKey(recipient.publicKey);
        const message = sealEcies(crypto, key, bytes);
        expect(message.length).toBe(bytes.length + ECIES_OVERHEAD);
        expect(openEcies(crypto, recipient.privateKey, message)).toEqual(bytes);
      }),
      { numRuns: 25 },
    );
  });

  test('draws the ephemeral key, then the iv, and has the layout of go-ethereum', () => {
    const drawn = [new Uint8Array(32).fill(3), new Uint8Array(16).fill(4)];
    const scripted = createPortableProvider({ random: () => drawn.shift() as Uint8Array });
    const message = sealEcies(scripted, recipient.publicKey, plaintext);

    const ephemeral = crypto.secp256k1.keyPairFromPrivateKey(new Uint8Array(32).fill(3));
    const iv = new Uint8Array(16).fill(4);
    const shared = crypto.secp256k1.ecdh(recipient.privateKey, ephemeral.publicKey);
    const derived = crypto.sha256(Uint8Array.of(0, 0, 0, 1), shared);
    const ciphertext = crypto.aesCtr(derived.subarray(0, 16), iv, plaintext);
    const tag = crypto.hmacSha256(crypto.sha256(derived.subarray(16)), iv, ciphertext);
    const point = crypto.secp256k1.uncompressPublicKey(ephemeral.publicKey);
    expect(encodeHex(message)).toBe([point, iv, ciphertext, tag].map(encodeHex).join(''));
    expect(drawn).toEqual([]);
  });

  test('shared information is authenticated, and not sent', () => {
    const info = Uint8Array.of(1, 2);
    const message = sealEcies(crypto, recipient.publicKey, plaintext, info);
    expect(message.length).toBe(plaintext.length + ECIES_OVERHEAD);
    expect(openEcies(crypto, recipient.privateKey, message, info)).toEqual(plaintext);
    for (const other of [undefined, Uint8Array.of(1), Uint8Array.of(1, 3)]) {
      expect(codeOf(() => openEcies(crypto, recipient.privateKey, message, other))).toBe(
        'AUTHENTICATION_FAILED',
      );
    }
  });

  test('two sealings of one plaintext share nothing', () => {
    const other = sealEcies(crypto, recipient.publicKey, plaintext);
    expect(other.subarray(1, 33)).not.toEqual(sealed.subarray(1, 33));
    expect(other.subarray(65)).not.toEqual(sealed.subarray(65));
  });

  test('every bit of iv, ciphertext and tag counts', () => {
    for (let bit = 65 * 8; bit < sealed.length * 8; bit += 5) {
      const altered = Uint8Array.from(sealed);
      altered[bit >> 3] = (altered[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(codeOf(() => openEcies(crypto, recipient.privateKey, altered))).toBe('AUTHENTICATION_FAILED');
    }
  });

  test('another ephemeral point, and another private key, fail to authenticate', () => {
    const altered = Uint8Array.from(sealed);
    altered.set(crypto.secp256k1.uncompressPublicKey(crypto.secp256k1.generateKeyPair().publicKey));
    expect(codeOf(() => openEcies(crypto, recipient.privateKey, altered))).toBe('AUTHENTICATION_FAILED');
    const stranger = crypto.secp256k1.generateKeyPair();
    expect(codeOf(() => openEcies(crypto, stranger.privateKey, sealed))).toBe('AUTHENTICATION_FAILED');
  });

  test('nothing is decrypted before the tag fits', () => {
    const watched = {
      ...crypto,
      aesCtr: () => {
        throw new Error('decrypted');
      },
    };
    const altered = Uint8Array.from(sealed);
    altered[altered.length - 1] = (altered[altered.length - 1] as number) ^ 1;
    expect(codeOf(() => openEcies(watched, recipient.privateKey, altered))).toBe('AUTHENTICATION_FAILED');
    expect(() => openEcies(watched, recipient.privateKey, sealed)).toThrow('decrypted');
  });

  test('an ephemeral key that is not an uncompressed point is refused', () => {
    for (const prefix of [0, 2, 3, 5, 6, 7]) {
      const altered = Uint8Array.from(sealed);
      altered[0] = prefix;
      expect(codeOf(() => openEcies(crypto, recipient.privateKey, altered))).toBe('INVALID_PUBLIC_KEY');
    }
    const offCurve = Uint8Array.from(sealed);
    offCurve[64] = (offCurve[64] as number) ^ 1;
    expect(codeOf(() => openEcies(crypto, recipient.privateKey, offCurve))).toBe('INVALID_PUBLIC_KEY');
  });

  test('whatever is shorter than an empty message is refused by its length', () => {
    const empty = sealEcies(crypto, recipient.publicKey, new Uint8Array());
    expect(openEcies(crypto, recipient.privateKey, empty)).toEqual(new Uint8Array());
    for (let length = 0; length < empty.length; length++) {
      expect(codeOf(() => openEcies(crypto, recipient.privateKey, empty.subarray(0, length)))).toBe(
        'INVALID_LENGTH',
      );
    }
  });

  test('keys that are none are refused', () => {
    expect(codeOf(() => sealEcies(crypto, new Uint8Array(33), plaintext))).toBe('INVALID_PUBLIC_KEY');
    expect(codeOf(() => sealEcies(crypto, new Uint8Array(), plaintext))).toBe('INVALID_PUBLIC_KEY');
    expect(codeOf(() => openEcies(crypto, new Uint8Array(32), sealed))).toBe('INVALID_PRIVATE_KEY');
    expect(codeOf(() => openEcies(crypto, new Uint8Array(31), sealed))).toBe('INVALID_LENGTH');
  });

  test('inputs stay as they were, also when they are Buffers, and the plaintext is fresh', () => {
    const key = Buffer.from(recipient.privateKey);
    const message = Buffer.from(sealed);
    const opened = openEcies(crypto, key, message);
    expect(opened.constructor).toBe(Uint8Array);
    expect(opened).toEqual(plaintext);
    expect(Uint8Array.from(key)).toEqual(Uint8Array.from(recipient.privateKey));
    expect(Uint8Array.from(message)).toEqual(sealed);
    message.fill(0);
    expect(opened).toEqual(plaintext);

    const text = Buffer.from(plaintext);
    sealEcies(crypto, Buffer.from(recipient.publicKey), text);
    expect(Uint8Array.from(text)).toEqual(plaintext);
  });
});
