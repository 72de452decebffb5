import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { acceptX3dh, initiateX3dh, openDhFallback, sealDhFallback } from '../src/index.js';
import { codeOf, crypto, thrownBy } from './support.js';

const newPair = () => crypto.secp256k1.generateKeyPair();
const OFF_CURVE = Uint8Array.of(2, ...new Uint8Array(31), 5);

describe('key agreement', () => {
  const alice = newPair();
  const bob = newPair();
  const preKey = newPair();
  const initiate = () =>
    initiateX3dh(crypto, {
      identity: alice,
      remoteIdentity: bob.publicKey,
      signedPreKey: preKey.publicKey,
    });
  const accept = (ephemeralKey: Uint8Array, remoteIdentity: Uint8Array = alice.publicKey) =>
    acceptX3dh(crypto, { identity: bob, signedPreKey: preKey, remoteIdentity, ephemeralKey });

  it('both sides come to the same key, and another one each time', () => {
    const [one, two] = [initiate(), initiate()];
    expect(accept(one.ephemeralKey)).toEqual(one.sharedKey);
    expect(accept(two.ephemeralKey)).toEqual(two.sharedKey);
    expect(one.sharedKey).not.toEqual(two.sharedKey);
  });

  it('takes keys in the 65-byte form as well', () => {
    const { uncompressPublicKey } = crypto.secp256k1;
    const initiation = initiateX3dh(crypto, {
      identity: alice,
      remoteIdentity: uncompressPublicKey(bob.publicKey),
      signedPreKey: uncompressPublicKey(preKey.publicKey),
    });
    expect(
      accept(uncompressPublicKey(initiation.ephemeralKey), uncompressPublicKey(alice.publicKey)),
    ).toEqual(initiation.sharedKey);
  });

  it('another sender comes to another key', () => {
    const { ephemeralKey, sharedKey } = initiate();
    expect(accept(ephemeralKey, newPair().publicKey)).not.toEqual(sharedKey);
  });

  it('the same ephemeral with its sign byte flipped gives the same key', () => {
    const { ephemeralKey, sharedKey } = initiate();
    const flipped = ephemeralKey.slice();
    flipped[0] = (flipped[0] as number) ^ 1;
    expect(accept(flipped)).toEqual(sharedKey);
  });

  it('a point off the curve is refused on both sides', () => {
    expect(codeOf(() => accept(OFF_CURVE))).toBe('INVALID_PUBLIC_KEY');
    expect(codeOf(() => accept(alice.publicKey, OFF_CURVE))).toBe('INVALID_PUBLIC_KEY');
    for (const [remoteIdentity, signedPreKey] of [
      [OFF_CURVE, preKey.publicKey],
      [bob.publicKey, OFF_CURVE],
    ] as const) {
      expect(codeOf(() => initiateX3dh(crypto, { identity: alice, remoteIdentity, signedPreKey }))).toBe(
        'INVALID_PUBLIC_KEY',
      );
    }
  });

  it('prints no secrets', () => {
    const initiation = initiate();
    expect(JSON.stringify(initiation)).toBe('"[X3dhInitiation: redacted]"');
    expect(inspect(initiation)).toBe('[X3dhInitiation: redacted]');
  });
});

describe('fallback with no bundle', () => {
  const bob = newPair();
  const text = new TextEncoder().encode('hello');

  it('opens for the recipient alone', () => {
    const sealed = sealDhFallback(crypto, bob.publicKey, text);
    expect(openDhFallback(crypto, bob, sealed)).toEqual(text);
    expect(codeOf(() => openDhFallback(crypto, newPair(), sealed))).toBe('AUTHENTICATION_FAILED');
  });

  it('carries an empty payload', () => {
    const sealed = sealDhFallback(crypto, bob.publicKey, new Uint8Array(0));
    expect(sealed.payload.length).toBe(28);
    expect(openDhFallback(crypto, bob, sealed)).toEqual(new Uint8Array(0));
  });

  it('refuses any flipped bit, and short payloads', () => {
    const sealed = sealDhFallback(crypto, bob.publicKey, text);
    for (let bit = 0; bit < sealed.payload.length * 8; bit++) {
      const payload = sealed.payload.slice();
      payload[bit >> 3] = (payload[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(codeOf(() => openDhFallback(crypto, bob, { ...sealed, payload }))).toBe('AUTHENTICATION_FAILED');
    }
    for (const length of [0, 12, 27]) {
      const short = { ...sealed, payload: new Uint8Array(length) };
      expect(thrownBy(() => openDhFallback(crypto, bob, short))).toMatchObject({
        code: 'MALFORMED_MESSAGE',
        details: {
          what: 'DH fallback payload',
          reason: `${length} bytes, tag and nonce alone have 28`,
        },
      });
    }
    expect(codeOf(() => openDhFallback(crypto, bob, { ...sealed, ephemeralKey: OFF_CURVE }))).toBe(
      'INVALID_PUBLIC_KEY',
    );
  });

  it('overwrites its keys afterwards, also when a message does not open', () => {
    const keys: Uint8Array[] = [];
    const { ecdh } = crypto.secp256k1;
    const watched = {
      ...crypto,
      secp256k1: {
        ...crypto.secp256k1,
        ecdh: (privateKey: Uint8Array, publicKey: Uint8Array) => {
          const key = ecdh(privateKey, publicKey);
          keys.push(key);
          return key;
        },
      },
    };
    const sealed = sealDhFallback(watched, bob.publicKey, text);
    openDhFallback(watched, bob, sealed);
    const forged = { ...sealed, payload: new Uint8Array(sealed.payload.length) };
    expect(codeOf(() => openDhFallback(watched, bob, forged))).toBe('AUTHENTICATION_FAILED');
    expect(keys).toEqual([new Uint8Array(32), new Uint8Array(32), new Uint8Array(32)]);
  });

  it('uses a fresh key and nonce each time', () => {
    const [one, two] = [
      sealDhFallback(crypto, bob.publicKey, text),
      sealDhFallback(crypto, bob.publicKey, text),
    ];
    expect(one.ephemeralKey).not.toEqual(two.ephemeralKey);
    expect(one.payload).not.toEqual(two.payload);
  });
});
