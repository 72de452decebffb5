import { encodeHex } from '@sotto/core';
import { createPortableProvider } from '@sotto/crypto';
import { loadVectors, unhex } from '@sotto/testing/vectors';
import { describe, expect, it } from 'vitest';
import {
  acceptX3dh,
  bundleSignedMaterial,
  initiateX3dh,
  openDhFallback,
  sealDhFallback,
  signBundle,
  verifyBundle,
} from '../src/index.js';
import { crypto, drawing, pairOf } from './support.js';

const numbered = <T>(cases: readonly T[]) => cases.map((c, index) => [index, c] as const);

describe('x3dh.json', () => {
  const { cases } = loadVectors('x3dh');

  it.each(numbered(cases))('case %i', (_, c) => {
    const { ecdh } = crypto.secp256k1;
    expect(encodeHex(pairOf(c.initiatorIdentityPrivate).publicKey)).toBe(c.initiatorIdentity);
    expect(encodeHex(pairOf(c.responderIdentityPrivate).publicKey)).toBe(c.responderIdentity);
    expect(encodeHex(pairOf(c.signedPreKeyPrivate).publicKey)).toBe(c.signedPreKey);
    expect(encodeHex(ecdh(unhex(c.initiatorIdentityPrivate), unhex(c.signedPreKey)))).toBe(c.dh1);
    expect(encodeHex(ecdh(unhex(c.ephemeralPrivate), unhex(c.responderIdentity)))).toBe(c.dh2);
    expect(encodeHex(ecdh(unhex(c.ephemeralPrivate), unhex(c.signedPreKey)))).toBe(c.dh3);

    const initiation = initiateX3dh(drawing(c.ephemeralPrivate), {
      identity: pairOf(c.initiatorIdentityPrivate),
      remoteIdentity: unhex(c.responderIdentity),
      signedPreKey: unhex(c.signedPreKey),
    });
    expect(encodeHex(initiation.ephemeralKey)).toBe(c.ephemeral);
    expect(encodeHex(initiation.sharedKey)).toBe(c.sharedKey);

    const accepted = acceptX3dh(crypto, {
      identity: pairOf(c.responderIdentityPrivate),
      signedPreKey: pairOf(c.signedPreKeyPrivate),
      remoteIdentity: unhex(c.initiatorIdentity),
      ephemeralKey: unhex(c.ephemeral),
    });
    expect(encodeHex(accepted)).toBe(c.sharedKey);
  });
});

describe('dh-key.json', () => {
  const { cases } = loadVectors('dh-key');

  it.each(numbered(cases))('case %i', (_, c) => {
    const recipient = pairOf(c.recipientPrivate);
    const nonce = new Uint8Array(12).fill(7);
    const plaintext = new TextEncoder().encode('first contact');
    const sealed = sealDhFallback(
      drawing(c.ephemeralPrivate, encodeHex(nonce)),
      recipient.publicKey,
      plaintext,
    );
    expect(encodeHex(sealed.ephemeralKey)).toBe(c.ephemeral);
    const expected = crypto.sealAes256Gcm(unhex(c.key), nonce, plaintext);
    expect(encodeHex(sealed.payload)).toBe(encodeHex(expected) + encodeHex(nonce));
    expect(openDhFallback(crypto, recipient, sealed)).toEqual(plaintext);
  });
});

describe('bundle.json', () => {
  const { cases } = loadVectors('bundle');

  it.each(numbered(cases))('case %i', (_, c) => {
    const content = {
      signedPreKeys: new Map(
        Object.entries(c.signedPreKeys).map(([id, preKey]) => [
          id,
          {
            signedPreKey: unhex(preKey.signedPreKey),
            version: preKey.version,
            protocolVersion: preKey.protocolVersion,
          },
        ]),
      ),
      timestamp: c.timestamp,
    };
    expect(encodeHex(bundleSignedMaterial(content))).toBe(c.signedMaterial);
    const bundle = signBundle(createPortableProvider(), pairOf(c.identityPrivate), content);
    expect(encodeHex(bundle.identity)).toBe(c.identity);
    expect(encodeHex(bundle.signature)).toBe(c.signature);
    expect(verifyBundle(crypto, bundle)).toBe(bundle);
  });
});
