import { decodeHex, encodeHex, encodeUtf8 } from '@sotto/core';
import { loadVectors } from '@sotto/testing/vectors';
import { describe, expect, test } from 'vitest';
import { createPortableProvider, openEcies } from '../src/index.js';

const crypto = createPortableProvider();
const { secp256k1 } = crypto;

function publicKeyOf(privateKey: string): string {
  return encodeHex(secp256k1.keyPairFromPrivateKey(decodeHex(privateKey)).publicKey);
}

function ecdh(privateKey: string, publicKey: string): string {
  return encodeHex(secp256k1.ecdh(decodeHex(privateKey), decodeHex(publicKey)));
}

describe('vectors of deployed peers', () => {
  test('dh-key: the key of the fallback without a bundle', () => {
    const { cases } = loadVectors('dh-key');
    expect(cases.length).toBeGreaterThan(0);
    for (const { ephemeral, ephemeralPrivate, recipientPrivate, key } of cases) {
      expect(publicKeyOf(ephemeralPrivate)).toBe(ephemeral);
      expect(ecdh(recipientPrivate, ephemeral)).toBe(key);
      expect(ecdh(ephemeralPrivate, publicKeyOf(recipientPrivate))).toBe(key);
    }
  });

  test('x3dh: the three agreements, from both sides, and their hash', () => {
    const { cases } = loadVectors('x3dh');
    expect(cases.length).toBeGreaterThan(0);
    for (const c of cases) {
      expect(publicKeyOf(c.initiatorIdentityPrivate)).toBe(c.initiatorIdentity);
      expect(publicKeyOf(c.responderIdentityPrivate)).toBe(c.responderIdentity);
      expect(ecdh(c.initiatorIdentityPrivate, c.signedPreKey)).toBe(c.dh1);
      expect(ecdh(c.signedPreKeyPrivate, c.initiatorIdentity)).toBe(c.dh1);
      expect(ecdh(c.ephemeralPrivate, c.responderIdentity)).toBe(c.dh2);
      expect(ecdh(c.responderIdentityPrivate, c.ephemeral)).toBe(c.dh2);
      expect(ecdh(c.ephemeralPrivate, c.signedPreKey)).toBe(c.dh3);
      expect(ecdh(c.signedPreKeyPrivate, c.ephemeral)).toBe(c.dh3);
      const shared = crypto.keccak256(decodeHex(c.dh1), decodeHex(c.dh2), decodeHex(c.dh3));
      expect(encodeHex(shared)).toBe(c.sharedKey);
    }
  });

  test('bundle: signatures, made again and their signers recovered', () => {
    const { cases } = loadVectors('bundle');
    expect(cases.length).toBeGreaterThan(0);
    for (const { identity, identityPrivate, signedMaterial, signature } of cases) {
      const digest = crypto.keccak256(decodeHex(signedMaterial));
      expect(encodeHex(secp256k1.signRecoverable(digest, decodeHex(identityPrivate)))).toBe(signature);
      expect(encodeHex(secp256k1.recoverPublicKey(digest, decodeHex(signature)))).toBe(identity);
    }
  });

  test('topic: keys in both forms, negotiated secrets, topics, and a channel key', () => {
    const { channels, identities } = loadVectors('topic').cases;
    expect(identities.length).toBeGreaterThan(0);
    for (const c of identities) {
      expect(publicKeyOf(c.private)).toBe(c.compressed);
      expect(encodeHex(secp256k1.uncompressPublicKey(decodeHex(c.compressed)))).toBe(c.public);
      expect(encodeHex(secp256k1.parsePublicKey(decodeHex(c.public)))).toBe(c.compressed);
      expect(ecdh(c.private, c.peer)).toBe(c.sharedSecret);
    }
    for (const { name, topic } of channels) {
      expect(encodeHex(crypto.keccak256(encodeUtf8(name)).subarray(0, 4))).toBe(topic);
    }
    // One is enough for 65356 rounds of a derivation that the suite checks in full.
    const [channel] = channels;
    const key = crypto.pbkdf2Sha256({
      password: encodeUtf8(channel?.name ?? ''),
      salt: new Uint8Array(),
      iterations: 65_356,
      length: 32,
    });
    expect(encodeHex(key)).toBe(channel?.symKey);
  });

  test('double ratchet: HKDF of the root key, HMAC of the chain key, public keys of both suites', () => {
    for (const [name, curve] of [
      ['double-ratchet-secp256k1', secp256k1],
      ['double-ratchet-curve25519', crypto.x25519],
    ] as const) {
      const { kdf, sessions } = loadVectors(name).cases;
      expect(kdf.length).toBeGreaterThan(0);
      for (const c of kdf) {
        const keys = crypto.hkdfSha256({
          inputKey: decodeHex(c.dhOutput),
          salt: decodeHex(c.rootKey),
          info: encodeUtf8('rsZUpEuXUqqwXBvSy3EcievAh4cMj6QL'),
          length: 96,
        });
        expect(encodeHex(keys)).toBe(c.nextRootKey + c.chainKey + c.headerKey);
        const chain = decodeHex(c.kdfChainInput);
        expect(encodeHex(crypto.hmacSha256(chain, Uint8Array.of(0x0f)))).toBe(c.nextChainKey);
        expect(encodeHex(crypto.hmacSha256(chain, Uint8Array.of(0x10)))).toBe(c.derivedMessageKey);
      }
      for (const { bobRatchetPrivate, bobRatchetPublic } of sessions) {
        const pair = curve.keyPairFromPrivateKey(decodeHex(bobRatchetPrivate));
        expect(encodeHex(pair.publicKey)).toBe(bobRatchetPublic);
      }
    }
  });

  test('whisper-envelope: AES-256-GCM, ECIES and the signature inside', () => {
    const { cases } = loadVectors('whisper-envelope');
    const opened = { symmetric: 0, asymmetric: 0, signed: 0 };
    for (const c of cases) {
      const data = decodeHex(c.data);
      if (c.symKey !== undefined) {
        const plain = crypto.openAes256Gcm(decodeHex(c.symKey), data.subarray(-12), data.subarray(0, -12));
        expect(encodeHex(plain)).toBe(c.plain);
        opened.symmetric++;
      }
      if (c.recipientPrivate !== undefined) {
        expect(encodeHex(openEcies(crypto, decodeHex(c.recipientPrivate), data))).toBe(c.plain);
        opened.asymmetric++;
      }
      if (c.signer !== undefined) {
        const plain = decodeHex(c.plain);
        const signer = secp256k1.recoverPublicKey(
          crypto.keccak256(plain.subarray(0, -65)),
          plain.subarray(-65),
        );
        expect(encodeHex(secp256k1.uncompressPublicKey(signer))).toBe(c.signer);
        opened.signed++;
      }
    }
    expect(opened.symmetric).toBeGreaterThan(0);
    expect(opened.asymmetric).toBeGreaterThan(0);
    expect(opened.signed).toBeGreaterThan(0);
  });
});
