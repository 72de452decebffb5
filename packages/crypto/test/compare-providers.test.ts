import {
  createCipheriv,
  createDecipheriv,
  createECDH,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  hkdfSync,
  pbkdf2Sync,
  timingSafeEqual,
} from 'node:crypto';
import { compareProviders } from '@sotto/compliance/crypto-provider';
import { SottoError } from '@sotto/core';
import { describe, expect, test } from 'vitest';
import { createPortableProvider, type X25519Provider } from '../src/index.js';

const portable = createPortableProvider();

/**
 * What node:crypto can do, as a second opinion on the libraries. The portable provider runs first, so that its
 * refusals count; an input that it accepts is computed again by OpenSSL.
 */
const openssl: X25519Provider = {
  ...portable,
  name: 'OpenSSL',
  sha256: (...parts) => plain(parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest()),
  hmacSha256: (key, ...parts) =>
    plain(parts.reduce((hmac, part) => hmac.update(part), createHmac('sha256', key)).digest()),
  hkdfSha256(input) {
    const output = portable.hkdfSha256(input);
    // Node refuses a longer info, though the RFC doesn't.
    if (input.info.length > 1024) return output;
    return new Uint8Array(hkdfSync('sha256', input.inputKey, input.salt, input.info, input.length));
  },
  pbkdf2Sha256(input) {
    portable.pbkdf2Sha256(input);
    return plain(pbkdf2Sync(input.password, input.salt, input.iterations, input.length, 'sha256'));
  },
  aesCtr(key, iv, data) {
    portable.aesCtr(key, iv, data);
    const cipher = createCipheriv(key.length === 16 ? 'aes-128-ctr' : 'aes-256-ctr', key, iv);
    return plain(Buffer.concat([cipher.update(data), cipher.final()]));
  },
  sealAes256Gcm(key, nonce, plaintext, associatedData = new Uint8Array()) {
    portable.sealAes256Gcm(key, nonce, plaintext, associatedData);
    const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(associatedData);
    return plain(Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]));
  },
  openAes256Gcm(key, nonce, sealed, associatedData = new Uint8Array()) {
    portable.openAes256Gcm(key, nonce, sealed, associatedData);
    const cipher = createDecipheriv('aes-256-gcm', key, nonce)
      .setAAD(associatedData)
      .setAuthTag(sealed.subarray(-16));
    return plain(Buffer.concat([cipher.update(sealed.subarray(0, -16)), cipher.final()]));
  },
  equalBytes: (a, b) => a.length === b.length && timingSafeEqual(a, b),
  secp256k1: {
    ...portable.secp256k1,
    ecdh(privateKey, publicKey) {
      portable.secp256k1.ecdh(privateKey, publicKey);
      const curve = createECDH('secp256k1');
      curve.setPrivateKey(privateKey);
      return plain(curve.computeSecret(publicKey));
    },
  },
  x25519: {
    ...portable.x25519,
    ecdh(privateKey, publicKey) {
      portable.x25519.ecdh(privateKey, publicKey);
      return plain(
        diffieHellman({
          privateKey: createPrivateKey({
            key: Buffer.concat([Buffer.from('302e020100300506032b656e04220420', 'hex'), privateKey]),
            format: 'der',
            type: 'pkcs8',
          }),
          publicKey: createPublicKey({
            key: Buffer.concat([Buffer.from('302a300506032b656e032100', 'hex'), publicKey]),
            format: 'der',
            type: 'spki',
          }),
        }),
      );
    },
  },
};

function plain(buffer: Uint8Array): Uint8Array {
  return Uint8Array.from(buffer);
}

describe('compareProviders', () => {
  test('a provider is like itself', () => {
    compareProviders(portable, createPortableProvider(), { seed: 'itself', rounds: 5 });
  });

  test('the libraries and OpenSSL agree, on usual and hostile inputs', () => {
    compareProviders(portable, openssl, { seed: 'OpenSSL', rounds: 40 });
  });

  test('a difference is reported with the operation, the seed, the round and both results', () => {
    const broken = { ...portable, name: 'broken', sha256: () => new Uint8Array(32) };
    expect(() => compareProviders(portable, broken, { seed: 3, rounds: 1 })).toThrow(
      /^sha256\([0-9a-f]+, [0-9a-f]+\), seed 3, round 0: portable gave [0-9a-f]{64}; broken gave (00){32}\.$/,
    );
  });

  test('another code is a difference', () => {
    const broken: X25519Provider = {
      ...portable,
      name: 'broken',
      aesCtr(key, iv, data) {
        if (iv.length !== 16)
          throw new SottoError('INVALID_ARGUMENT', 'iv', { what: 'iv', reason: 'length' });
        return portable.aesCtr(key, iv, data);
      },
    };
    expect(() => compareProviders(portable, broken, { seed: 1, rounds: 50, only: /^aesCtr$/ })).toThrow(
      /gave INVALID_LENGTH; broken gave INVALID_ARGUMENT/,
    );
  });

  test("errors that are not Sotto's are not accepted, even from both", () => {
    const broken: X25519Provider = {
      ...portable,
      name: 'broken',
      keccak256: () => {
        throw new TypeError('bytes');
      },
    };
    expect(() => compareProviders(broken, broken, { seed: 1, rounds: 1 })).toThrow(
      "broken threw an error that is not Sotto's: TypeError: bytes, in keccak256.",
    );
  });

  test('generated keys have to fit in the other provider', () => {
    const { secp256k1, x25519 } = portable;
    const [one, two] = [secp256k1.generateKeyPair(), secp256k1.generateKeyPair()];
    const broken = {
      ...portable,
      name: 'broken',
      secp256k1: { ...secp256k1, generateKeyPair: () => Object.assign(one, { publicKey: two.publicKey }) },
    };
    expect(() => compareProviders(portable, broken, { seed: 1, rounds: 1 })).toThrow(/public key of a pair/);
    const [x, y] = [x25519.generateKeyPair(), x25519.generateKeyPair()];
    const alsoBroken = {
      ...portable,
      x25519: { ...x25519, generateKeyPair: () => Object.assign(x, { publicKey: y.publicKey }) },
    };
    expect(() => compareProviders(portable, alsoBroken, { seed: 1, rounds: 1 })).toThrow(
      /public key of a pair/,
    );
  });

  test('only the operations asked for are compared', () => {
    const broken = { ...portable, name: 'broken', sha256: () => new Uint8Array(32) };
    compareProviders(portable, broken, { seed: 1, rounds: 2, only: /^(aesCtr|x25519\..*)$/ });
    expect(() => compareProviders(portable, broken, { seed: 1, rounds: 1, only: /^sha/ })).toThrow(/^sha256/);
  });

  test('the same seed draws the same inputs, another seed others', () => {
    const seen = (seed: number | string) => {
      const inputs: string[] = [];
      const spy: X25519Provider = {
        ...portable,
        sha256: (...parts) => {
          inputs.push(parts.join('/'));
          return portable.sha256(...parts);
        },
      };
      compareProviders(spy, portable, { seed, rounds: 1, only: /^sha256$/ });
      return inputs.join(' ');
    };
    expect(seen(7)).toBe(seen('7'));
    expect(seen(7)).not.toBe(seen(8));
  });
});
