import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { encodeHex } from '@sotto/core';
import { createPortableProvider } from '@sotto/crypto';
import { withMlKem768 } from '@sotto/crypto/ml-kem';
import { unhex } from '@sotto/testing/vectors';
import { describe, expect, it } from 'vitest';
import {
  acceptPqxdh,
  initiatePqxdh,
  type PqxdhHeader,
  type PqxdhLocal,
  type PqxdhPreKeyPairs,
  type PqxdhProvider,
  type PqxdhRemote,
} from '../src/pqxdh.js';
import { type PqxdhInputs, type PqxdhOutputs, recompute } from './pqxdh/second-implementation.js';
import { codeOf } from './support.js';

const crypto = withMlKem768(createPortableProvider());

/** A provider whose randomness is what is listed, each once. */
function drawing(...hex: readonly string[]): PqxdhProvider {
  const left = hex.map(unhex);
  const provider = createPortableProvider({
    random: (length) => {
      const next = left.shift();
      if (next?.length !== length) throw new Error('another draw than is listed');
      return next;
    },
  });
  return withMlKem768(provider, { randomness: 'provider' });
}

const localOf = (name: string): PqxdhLocal => ({
  identity: crypto.secp256k1.generateKeyPair(),
  installationId: name,
  bundleDigest: crypto.randomBytes(32),
});
const remoteOf = (local: PqxdhLocal): PqxdhRemote => ({ ...local, identity: local.identity.publicKey });
const preKeyPairs = (): PqxdhPreKeyPairs => ({
  signedPreKey: crypto.secp256k1.generateKeyPair(),
  curve25519PreKey: crypto.x25519.generateKeyPair(),
  kemPreKey: crypto.mlKem768.generateKeyPair(),
});
const publicOf = ({ signedPreKey, curve25519PreKey, kemPreKey }: PqxdhPreKeyPairs) => ({
  signedPreKey: signedPreKey.publicKey as Uint8Array,
  curve25519PreKey: curve25519PreKey?.publicKey as Uint8Array | undefined,
  kemPreKey: kemPreKey.encapsulationKey as Uint8Array,
});

const SUITE = 2;
const alice = localOf('laptop');
const bob = localOf('phone');
const pairs = preKeyPairs();

const initiate = (
  changes: {
    suite?: number;
    local?: Partial<PqxdhLocal>;
    remote?: Partial<PqxdhRemote>;
    preKeys?: Partial<ReturnType<typeof publicOf>>;
  } = {},
) =>
  initiatePqxdh(crypto, {
    suite: changes.suite ?? SUITE,
    local: { ...alice, ...changes.local },
    remote: { ...remoteOf(bob), ...changes.remote },
    preKeys: { ...publicOf(pairs), ...changes.preKeys },
  });
const accept = (
  header: PqxdhHeader,
  changes: {
    local?: Partial<PqxdhLocal>;
    remote?: Partial<PqxdhRemote>;
    preKeys?: Partial<PqxdhPreKeyPairs>;
  } = {},
) =>
  acceptPqxdh(crypto, {
    header,
    local: { ...bob, ...changes.local },
    remote: { ...remoteOf(alice), ...changes.remote },
    preKeys: { ...pairs, ...changes.preKeys },
  });

describe('vectors, recomputed by a second implementation', () => {
  const cases: readonly { inputs: PqxdhInputs; outputs: PqxdhOutputs }[] = JSON.parse(
    readFileSync(new URL('./pqxdh/vectors.json', import.meta.url), 'utf8'),
  );

  it('has cases with and without a Curve25519 prekey', () => {
    const has = cases.map(({ inputs }) => inputs.curve25519PreKeyPrivate !== undefined);
    expect(new Set(has)).toEqual(new Set([true, false]));
  });

  it.each(cases.map((one, index) => [index, one] as const))('case %i', async (_, { inputs, outputs }) => {
    expect(await recompute(inputs)).toEqual(outputs);

    const { secp256k1, x25519, mlKem768 } = crypto;
    const initiator: PqxdhLocal = {
      identity: secp256k1.keyPairFromPrivateKey(unhex(inputs.initiatorIdentityPrivate)),
      installationId: inputs.initiatorInstallationId,
      bundleDigest: unhex(inputs.initiatorBundleDigest),
    };
    const responder: PqxdhLocal = {
      identity: secp256k1.keyPairFromPrivateKey(unhex(inputs.responderIdentityPrivate)),
      installationId: inputs.responderInstallationId,
      bundleDigest: unhex(inputs.responderBundleDigest),
    };
    const preKeys: PqxdhPreKeyPairs = {
      signedPreKey: secp256k1.keyPairFromPrivateKey(unhex(inputs.signedPreKeyPrivate)),
      curve25519PreKey:
        inputs.curve25519PreKeyPrivate === undefined
          ? undefined
          : x25519.keyPairFromPrivateKey(unhex(inputs.curve25519PreKeyPrivate)),
      kemPreKey: mlKem768.keyPairFromSeed(unhex(inputs.kemPreKeySeed)),
    };
    const { curve25519EphemeralPrivate } = inputs;
    const drawn = [
      inputs.ephemeralPrivate,
      ...(curve25519EphemeralPrivate === undefined ? [] : [curve25519EphemeralPrivate]),
      inputs.kemMessage,
    ];
    const initiation = initiatePqxdh(drawing(...drawn), {
      suite: inputs.suite,
      local: initiator,
      remote: remoteOf(responder),
      preKeys: publicOf(preKeys),
    });
    expect(encodeHex(preKeys.kemPreKey.encapsulationKey)).toBe(outputs.kemPreKey);
    expect(encodeHex(initiation.header.kemCiphertext)).toBe(outputs.kemCiphertext);
    expect(encodeHex(initiation.associatedData)).toBe(outputs.associatedData);
    expect(encodeHex(initiation.sharedKey)).toBe(outputs.sharedKey);

    const acceptance = acceptPqxdh(crypto, {
      local: responder,
      remote: remoteOf(initiator),
      preKeys,
      header: initiation.header,
    });
    expect(encodeHex(acceptance.associatedData)).toBe(outputs.associatedData);
    expect(encodeHex(acceptance.sharedKey)).toBe(outputs.sharedKey);
  });
});

describe('PQXDH', () => {
  it('both sides come to the same key and hash, and others each time', () => {
    const [one, two] = [initiate(), initiate()];
    for (const { header, sharedKey, associatedData } of [one, two]) {
      expect(accept(header)).toMatchObject({ sharedKey, associatedData });
      expect([sharedKey.length, associatedData.length]).toEqual([32, 32]);
    }
    expect(one.sharedKey).not.toEqual(two.sharedKey);
    expect(one.associatedData).not.toEqual(two.associatedData);
  });

  it('the header has what the responder needs, and no more', () => {
    const { header } = initiate();
    expect(Object.entries(header).map(([name, value]) => [name, value.length ?? value])).toEqual([
      ['suite', SUITE],
      ['ephemeralKey', 33],
      ['curve25519Key', 32],
      ['kemCiphertext', 1088],
      ['signedPreKey', 33],
      ['bundleDigest', 32],
    ]);
    expect(header.signedPreKey).toEqual(pairs.signedPreKey.publicKey);
    expect(header.bundleDigest).toEqual(alice.bundleDigest);
    expect(header.bundleDigest).not.toBe(alice.bundleDigest);
  });

  it('does without Curve25519 where the responder has no such prekey', () => {
    const without = { curve25519PreKey: undefined };
    const { header, sharedKey } = initiate({ preKeys: without });
    expect(header.curve25519Key).toBeUndefined();
    expect(accept(header, { preKeys: without }).sharedKey).toEqual(sharedKey);
  });

  it('takes keys in the 65-byte form as well', () => {
    const { uncompressPublicKey } = crypto.secp256k1;
    const { header, sharedKey } = initiate({
      remote: { identity: uncompressPublicKey(bob.identity.publicKey) },
      preKeys: { signedPreKey: uncompressPublicKey(pairs.signedPreKey.publicKey) },
    });
    expect(header.signedPreKey.length).toBe(33);
    const remote = { identity: uncompressPublicKey(alice.identity.publicKey) };
    expect(accept(header, { remote }).sharedKey).toEqual(sharedKey);
  });

  it('leaves the keys that it is given as they were, and wipes its own', () => {
    const generated: Uint8Array[] = [];
    const watched: PqxdhProvider = {
      ...crypto,
      secp256k1: {
        ...crypto.secp256k1,
        generateKeyPair: () => {
          const pair = crypto.secp256k1.generateKeyPair();
          generated.push(pair.privateKey);
          return pair;
        },
      },
      x25519: {
        ...crypto.x25519,
        generateKeyPair: () => {
          const pair = crypto.x25519.generateKeyPair();
          generated.push(pair.privateKey);
          return pair;
        },
      },
      hkdfSha256: (input) => {
        generated.push(input.inputKey);
        return crypto.hkdfSha256(input);
      },
      mlKem768: {
        ...crypto.mlKem768,
        encapsulate: (key) => {
          const encapsulation = crypto.mlKem768.encapsulate(key);
          generated.push(encapsulation.sharedSecret);
          return encapsulation;
        },
      },
    };
    const kept = [
      alice.identity.privateKey,
      bob.identity.privateKey,
      alice.bundleDigest,
      bob.bundleDigest,
      pairs.signedPreKey.privateKey,
      pairs.kemPreKey.seed,
      pairs.kemPreKey.encapsulationKey,
    ];
    const before = kept.map(encodeHex);
    const { header, sharedKey } = initiatePqxdh(watched, {
      suite: SUITE,
      local: alice,
      remote: remoteOf(bob),
      preKeys: publicOf(pairs),
    });
    expect(generated.length).toBe(4);
    for (const secret of generated) expect(secret.every((byte) => byte === 0)).toBe(true);
    expect(accept(header).sharedKey).toEqual(sharedKey);
    expect(kept.map(encodeHex)).toEqual(before);
    expect(accept(header).sharedKey).toEqual(sharedKey);
  });

  it('wipes its keys where a prekey is refused, too', () => {
    const generated: Uint8Array[] = [];
    const watched: PqxdhProvider = {
      ...crypto,
      x25519: {
        ...crypto.x25519,
        generateKeyPair: () => {
          const pair = crypto.x25519.generateKeyPair();
          generated.push(pair.privateKey);
          return pair;
        },
      },
    };
    const preKeys = { ...publicOf(pairs), kemPreKey: new Uint8Array(1184).fill(0xff) };
    const input = { suite: SUITE, local: alice, remote: remoteOf(bob), preKeys };
    expect(codeOf(() => initiatePqxdh(watched, input))).toBe('INVALID_PUBLIC_KEY');
    expect(generated).toEqual([new Uint8Array(32)]);
  });

  it('prints no secrets', () => {
    const initiation = initiate();
    expect(inspect(initiation)).toBe('[PqxdhInitiation: redacted]');
    expect(JSON.stringify(accept(initiation.header))).toBe('"[PqxdhAcceptance: redacted]"');
  });
});

describe('parties whose views of the handshake differ share no key', () => {
  const other = localOf('another');
  const { header, sharedKey, associatedData } = initiate();
  const differs = (result: { readonly sharedKey: Uint8Array; readonly associatedData: Uint8Array }) => {
    expect(result.sharedKey).not.toEqual(sharedKey);
    expect(result.associatedData).not.toEqual(associatedData);
  };

  it.each<[string, Parameters<typeof accept>[1]]>([
    ['identity of the initiator', { remote: { identity: other.identity.publicKey } }],
    ['installation id of the initiator', { remote: { installationId: 'laptop2' } }],
    ['identity of the responder', { local: { identity: other.identity } }],
    ['installation id of the responder', { local: { installationId: 'phone1' } }],
    ["digest of the responder's entry", { local: { bundleDigest: other.bundleDigest } }],
    ['Curve25519 prekey', { preKeys: { curve25519PreKey: crypto.x25519.generateKeyPair() } }],
    ['KEM prekey', { preKeys: { kemPreKey: crypto.mlKem768.generateKeyPair() } }],
  ])('%s', (_, changes) => {
    differs(accept(header, changes));
  });

  it.each<[string, Partial<PqxdhHeader>]>([
    ['suite', { suite: SUITE - 1 }],
    ['ephemeral key', { ephemeralKey: crypto.secp256k1.generateKeyPair().publicKey }],
    ['ephemeral Curve25519 key', { curve25519Key: crypto.x25519.generateKeyPair().publicKey }],
    ['KEM ciphertext', { kemCiphertext: new Uint8Array(1088) }],
  ])('%s in the header', (_, changes) => {
    differs(accept({ ...header, ...changes }));
  });

  it("digest of the initiator's entry, although both took the same one from the header", () => {
    const { bundleDigest } = other;
    differs(accept({ ...header, bundleDigest }, { remote: { bundleDigest } }));
  });

  it('an id that ends where another begins', () => {
    const joined = initiate({ local: { installationId: 'ab' }, remote: { installationId: 'c' } });
    const moved = accept(joined.header, { remote: { installationId: 'a' }, local: { installationId: 'bc' } });
    expect(moved.sharedKey).not.toEqual(joined.sharedKey);
  });

  it('an ephemeral key whose sign byte is flipped, although its Diffie-Hellman outputs are the same', () => {
    const ephemeralKey = header.ephemeralKey.slice();
    ephemeralKey[0] = (ephemeralKey[0] as number) ^ 1;
    differs(accept({ ...header, ephemeralKey }));
  });

  it('a secret encapsulated anew for another KEM prekey, by whoever knows the first', () => {
    // A KEM that binds nothing: every key and ciphertext gives the same secret.
    const secret = crypto.randomBytes(32);
    const careless: PqxdhProvider = {
      ...crypto,
      mlKem768: {
        ...crypto.mlKem768,
        encapsulate: (key) =>
          ({ ...crypto.mlKem768.encapsulate(key), sharedSecret: secret.slice() }) as never,
        decapsulate: () => secret.slice(),
      },
    };
    const remote = remoteOf(bob);
    const initiation = initiatePqxdh(careless, {
      suite: SUITE,
      local: alice,
      remote,
      preKeys: publicOf(pairs),
    });
    const kemPreKey = crypto.mlKem768.generateKeyPair();
    const acceptance = acceptPqxdh(careless, {
      local: bob,
      remote: remoteOf(alice),
      preKeys: { ...pairs, kemPreKey },
      header: initiation.header,
    });
    expect(acceptance.sharedKey).not.toEqual(initiation.sharedKey);
  });
});

describe('hostile headers', () => {
  const { header } = initiate();

  it.each<[string, Partial<Record<keyof PqxdhHeader, unknown>>]>([
    ['ephemeral key in the 65-byte form', { ephemeralKey: new Uint8Array(65) }],
    ['ephemeral key that is missing a byte', { ephemeralKey: header.ephemeralKey.subarray(1) }],
    ['no Curve25519 key where the prekeys have one', { curve25519Key: undefined }],
    ['Curve25519 key of 31 bytes', { curve25519Key: new Uint8Array(31) }],
    ['KEM ciphertext of 1087 bytes', { kemCiphertext: new Uint8Array(1087) }],
    ['KEM ciphertext of no bytes', { kemCiphertext: new Uint8Array(0) }],
    ['another signed prekey', { signedPreKey: crypto.secp256k1.generateKeyPair().publicKey }],
    ['signed prekey of 32 bytes', { signedPreKey: header.signedPreKey.subarray(1) }],
    ["another entry of the sender's device", { bundleDigest: new Uint8Array(32) }],
    ['digest of 31 bytes', { bundleDigest: header.bundleDigest.subarray(1) }],
  ])('%s: refused', (_, changes) => {
    expect(codeOf(() => accept({ ...header, ...changes } as PqxdhHeader))).toBe('MALFORMED_MESSAGE');
  });

  it('a Curve25519 key where the prekeys have none is refused', () => {
    const preKeys = { curve25519PreKey: undefined };
    expect(codeOf(() => accept(header, { preKeys }))).toBe('MALFORMED_MESSAGE');
  });

  it.each<[string, Partial<PqxdhHeader>]>([
    ['a point off the curve', { ephemeralKey: Uint8Array.of(2, ...new Uint8Array(31), 5) }],
    ['a Curve25519 point of small order', { curve25519Key: new Uint8Array(32) }],
  ])('%s is refused', (_, changes) => {
    expect(codeOf(() => accept({ ...header, ...changes }))).toBe('INVALID_PUBLIC_KEY');
  });

  it.each([-1, 1.5, 2 ** 32, Number.NaN])('the suite %d is refused on both sides', (suite) => {
    expect(codeOf(() => initiate({ suite }))).toBe('INVALID_ARGUMENT');
    expect(codeOf(() => accept({ ...header, suite }))).toBe('INVALID_ARGUMENT');
  });

  it.each([0, 2 ** 32 - 1])('the suite %d is taken', (suite) => {
    const initiation = initiate({ suite });
    expect(accept(initiation.header).sharedKey).toEqual(initiation.sharedKey);
  });

  it('the refusal says why', () => {
    for (const [changes, reason] of [
      [{ kemCiphertext: new Uint8Array(7) }, 'KEM ciphertext of 7 bytes, not 1088'],
      [{ bundleDigest: new Uint8Array(32) }, "it is of another entry of the sender's device"],
    ] as const) {
      expect(() => accept({ ...header, ...changes })).toThrow(
        expect.objectContaining({ details: { what: 'PQXDH header', reason } }),
      );
    }
    expect(() => initiate({ local: { bundleDigest: new Uint8Array(20) } })).toThrow(
      expect.objectContaining({ details: { what: 'bundle digest', expected: 32, actual: 20 } }),
    );
  });

  it('what is no header at all is refused by name', () => {
    for (const wrong of [undefined, null, 'header', {}, { ...header, kemCiphertext: 'text' }]) {
      expect(codeOf(() => accept(wrong as unknown as PqxdhHeader))).toBe('INVALID_ARGUMENT');
    }
  });
});

describe('hostile bundles', () => {
  it.each<[string, Partial<ReturnType<typeof publicOf>>]>([
    ['a signed prekey off the curve', { signedPreKey: Uint8Array.of(2, ...new Uint8Array(31), 5) }],
    ['a Curve25519 prekey of small order', { curve25519PreKey: new Uint8Array(32) }],
    ['a KEM prekey that is not below the modulus', { kemPreKey: new Uint8Array(1184).fill(0xff) }],
  ])('%s is refused', (_, preKeys) => {
    expect(codeOf(() => initiate({ preKeys }))).toBe('INVALID_PUBLIC_KEY');
  });

  it.each<[string, Parameters<typeof initiate>[0]]>([
    ['a KEM prekey of 800 bytes', { preKeys: { kemPreKey: new Uint8Array(800) } }],
    ['a Curve25519 prekey of 33 bytes', { preKeys: { curve25519PreKey: new Uint8Array(33).fill(9) } }],
    ['a digest of 20 bytes', { remote: { bundleDigest: new Uint8Array(20) } }],
    ['a digest of our own of 33 bytes', { local: { bundleDigest: new Uint8Array(33) } }],
  ])('%s is refused', (_, changes) => {
    expect(codeOf(() => initiate(changes))).toBe('INVALID_LENGTH');
  });

  it('a digest that is not bytes is refused, and an id that is no text', () => {
    expect(codeOf(() => initiate({ local: { bundleDigest: 'digest' as never } }))).toBe('INVALID_ARGUMENT');
    expect(codeOf(() => initiate({ local: { installationId: '\ud800' } }))).toBe('INVALID_TEXT');
    expect(codeOf(() => initiate({ remote: { installationId: 7 as never } }))).toBe('INVALID_ARGUMENT');
  });
});
