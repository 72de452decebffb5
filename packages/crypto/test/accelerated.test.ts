import { randomBytes as nodeRandomBytes } from 'node:crypto';
import { compareProviders, providerCases, randomSourceCases } from '@sotto/compliance/crypto-provider';
import { decodeHex, encodeHex } from '@sotto/core';
import { describe, expect, test } from 'vitest';
import * as elsewhere from '../src/index.js';
import { createPortableProvider, describeProvider, openEcies, sealEcies } from '../src/index.js';
import { createAcceleratedProvider, loadAcceleratedProvider } from '../src/node/accelerated.js';
import { chooseKeccak256, chooseSecp256k1, chooseX25519, loadSecp256k1 } from '../src/node/choose-library.js';
import * as inNode from '../src/node/index.js';
import { loadAddon } from '../src/node/secp256k1-addon.js';
import { createX25519 } from '../src/node/x25519.js';

const portable = createPortableProvider();
const accelerated = await loadAcceleratedProvider();
const random = (length: number) => new Uint8Array(nodeRandomBytes(length));

// Where npm secp256k1 has no prebuilt addon, both are on @noble and the first claims nothing about libsecp256k1.
const providers = [
  ['the accelerated provider', createAcceleratedProvider],
  [
    'the accelerated provider without libsecp256k1',
    (options: { random?: (length: number) => Uint8Array } = {}) =>
      createAcceleratedProvider({ ...options, secp256k1: 'noble' }),
  ],
] as const;

for (const [name, create] of providers) {
  describe(`${name} meets the suite`, () => {
    const provider = create();
    for (const { name: requirement, run } of providerCases()) test(requirement, () => run(provider));
  });

  describe(`${name} with a random source of its own`, () => {
    for (const { name: requirement, run } of randomSourceCases()) test(requirement, () => run(create));
  });
}

describe('the accelerated provider beside the portable one', () => {
  test('returns the same bytes and throws the same errors', () => {
    compareProviders(portable, accelerated, { seed: 'accelerated', rounds: 60 });
  }, 60_000);

  test('agrees on all hostile inputs of secp256k1', () => {
    compareProviders(portable, accelerated, {
      seed: 'hostile',
      rounds: 400,
      only: /^secp256k1\.(parse|uncompress|recover)/,
    });
  }, 60_000);

  test('signs digests at and above the order alike, for which RFC 6979 reduces first', () => {
    const { privateKey } = portable.secp256k1.generateKeyPair();
    for (const digest of [
      'fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140',
      'fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141',
      'fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364142',
      'ff'.repeat(32),
      '00'.repeat(32),
      `${'00'.repeat(31)}01`,
    ].map(decodeHex)) {
      const [ours, theirs] = [accelerated, portable].map(({ secp256k1 }) =>
        secp256k1.signRecoverable(digest, privateKey),
      );
      expect(ours).toEqual(theirs);
    }
  });

  test('refuses with the same words', () => {
    const { privateKey, publicKey } = portable.secp256k1.generateKeyPair();
    const high = portable.secp256k1.signRecoverable(random(32), privateKey);
    high.set(new Uint8Array(31).fill(0xfe), 32);
    const refusals = [accelerated, portable].map(({ secp256k1, x25519, openAes256Gcm }) =>
      [
        () => secp256k1.parsePublicKey(publicKey.subarray(1)),
        () => secp256k1.parsePublicKey(new Uint8Array(65).fill(6)),
        () => secp256k1.ecdh(new Uint8Array(32), publicKey),
        () => secp256k1.recoverPublicKey(new Uint8Array(32), high),
        () => secp256k1.recoverPublicKey(new Uint8Array(32), new Uint8Array(65).fill(255)),
        () => secp256k1.recoverPublicKey(new Uint8Array(32), new Uint8Array(65).fill(255, 0, 64)),
        () => x25519.ecdh(privateKey, new Uint8Array(32)),
        () => openAes256Gcm(privateKey, new Uint8Array(12), new Uint8Array(16)),
        () => openAes256Gcm(privateKey, new Uint8Array(12), new Uint8Array(15)),
      ].map(messageOf),
    );
    expect(refusals[0]).toEqual(refusals[1]);
    expect(refusals[0]).not.toContain('accepted');
  });

  test('opens and agrees on large bodies, in memory of its own', () => {
    const [key, iv, body] = [random(32), random(16), random(1 << 20)];
    const encrypted = accelerated.aesCtr(key, iv, body);
    expect(Buffer.compare(encrypted, portable.aesCtr(key, iv, body))).toBe(0);
    expect(Buffer.compare(accelerated.aesCtr(key, iv, encrypted), body)).toBe(0);
    for (const length of [0, 1, 16, 100, 4096, 65_536]) {
      const outputs = [
        accelerated.aesCtr(key, iv, body.subarray(0, length)),
        accelerated.openAes256Gcm(
          key,
          iv.subarray(4),
          accelerated.sealAes256Gcm(key, iv.subarray(4), body.subarray(0, length)),
        ),
        accelerated.sha256(body.subarray(0, length)),
        accelerated.hmacSha256(key, body.subarray(0, length)),
        accelerated.x25519.ecdh(key, portable.x25519.keyPairFromPrivateKey(key).publicKey),
      ];
      for (const output of outputs) {
        expect(output.constructor).toBe(Uint8Array);
        expect(output.buffer.byteLength).toBe(output.byteLength);
      }
    }
  });

  test('opens the ECIES of the other', () => {
    const { privateKey, publicKey } = accelerated.secp256k1.generateKeyPair();
    const text = random(100);
    for (const [sealer, opener] of [
      [portable, accelerated],
      [accelerated, portable],
    ] as const) {
      const opened = openEcies(opener, privateKey, sealEcies(sealer, publicKey, text));
      expect(encodeHex(opened)).toBe(encodeHex(text));
    }
  });
});

describe('what a provider runs on', () => {
  test('the addon is what npm secp256k1 brings for this machine, or it is said why not', () => {
    const addon = loadAddon();
    const expected =
      'problem' in addon
        ? `@noble/curves: npm secp256k1 could not be loaded: ${addon.problem}`
        : 'libsecp256k1, native, of npm secp256k1';
    expect(accelerated.parts?.['secp256k1']).toBe(expected);
  });

  test('is said in one call', async () => {
    expect(describeProvider(await loadAcceleratedProvider({ secp256k1: 'noble' }))).toBe(
      [
        'accelerated',
        '  secp256k1: @noble/curves: as asked',
        '  x25519: node:crypto',
        '  keccak256: hash-wasm, WebAssembly',
        '  others: node:crypto',
      ].join('\n'),
    );
    expect(describeProvider(portable)).toBe('portable\n  everything: @noble, in JavaScript');
    const { parts: _, ...silent } = portable;
    expect(describeProvider({ ...silent, name: 'mine' })).toBe('mine');
  });

  test('without the package it is @noble/curves, and the reason names no path', () => {
    const addon = loadAddon(() => {
      throw new Error("Cannot find module 'secp256k1/bindings'\nRequire stack:\n- /home/somebody/app.js");
    });
    const { part, library } = chooseSecp256k1(random, addon);
    expect(library).toBe(
      "@noble/curves: npm secp256k1 could not be loaded: Cannot find module 'secp256k1/bindings'",
    );
    compareProviders(portable, { ...portable, secp256k1: part }, { seed: 1, rounds: 2, only: /^secp256k1/ });
  });

  test('without the package WebAssembly can be waited for, and is said with the reason', async () => {
    const { part, library } = await loadSecp256k1(random, 'not installed');
    expect(library).toBe(
      'libsecp256k1, WebAssembly, of npm @bitauth/libauth; ECDH with blinded scalars; native: not installed',
    );
    compareProviders(portable, { ...portable, secp256k1: part }, { seed: 1, rounds: 2, only: /^secp256k1/ });
    const without = await loadSecp256k1(random, 'not installed', () =>
      Promise.reject(new Error('forbidden')),
    );
    expect(without.library).toBe('@noble/curves: npm secp256k1 could not be loaded: not installed');
  });

  test('what is waited for is native where that can be had, and as asked', async () => {
    const [loaded, forced] = [
      createAcceleratedProvider(),
      await loadAcceleratedProvider({ secp256k1: 'noble' }),
    ];
    if (!('problem' in loadAddon()))
      expect(loaded.parts?.['secp256k1']).toEqual(accelerated.parts?.['secp256k1']);
    expect(forced.parts?.['secp256k1']).toBe('@noble/curves: as asked');
  });

  test('KECCAK-256 is available immediately, the same before and after WebAssembly has loaded, and reports its library', async () => {
    let bring = (_: typeof portable.keccak256) => {};
    const coming = new Promise<typeof portable.keccak256>((resolve) => {
      bring = resolve;
    });
    const choice = chooseKeccak256(() => coming);
    expect(choice.library).toBe('@noble/hashes: npm hash-wasm is being loaded');
    expect(choice.part(random(7))).toHaveLength(32);
    bring(() => Uint8Array.of(1));
    await choice.loaded;
    expect(choice.library).toBe('hash-wasm, WebAssembly');
    expect(choice.part(random(7))).toEqual(Uint8Array.of(1));
  });

  test('KECCAK-256 stays with @noble/hashes where WebAssembly is not to be had', async () => {
    const choice = chooseKeccak256(() => Promise.reject(new Error('forbidden')));
    await choice.loaded;
    expect(choice.library).toBe('@noble/hashes: npm hash-wasm could not be loaded');
    const bytes = random(300);
    expect(choice.part(bytes, bytes)).toEqual(portable.keccak256(bytes, bytes));
  });

  test('a loader that throws no Error is a reason too', () => {
    const addon = loadAddon(() => {
      throw 'no build';
    });
    expect(addon).toEqual({ problem: 'no build' });
  });

  test('an OpenSSL without X25519 leaves it to @noble/curves', () => {
    const missing = {
      ...createX25519(random),
      keyPairFromPrivateKey: () => {
        throw new Error('unsupported');
      },
    };
    const { part, library } = chooseX25519(random, missing);
    expect(library).toBe('@noble/curves: node:crypto has no X25519 here');
    compareProviders(portable, { ...portable, x25519: part }, { seed: 1, rounds: 2, only: /^x25519/ });
  });
});

describe('the default provider in Node', () => {
  test('is the accelerated one, and the same on every call', () => {
    expect(inNode.defaultProvider().name).toBe('accelerated');
    expect(inNode.defaultProvider()).toBe(inNode.defaultProvider());
  });

  test('is what the name of the package leads to', async () => {
    const byName: typeof inNode = await import('@sotto/crypto');
    expect(byName.defaultProvider().name).toBe('accelerated');
  });

  test('has the same exports as elsewhere', () => {
    expect(Object.keys(inNode).sort()).toEqual(Object.keys(elsewhere).sort());
  });
});

function messageOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return String(error);
  }
  return 'accepted';
}
