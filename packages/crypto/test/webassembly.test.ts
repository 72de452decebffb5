import { argon2idAsync } from '@noble/hashes/argon2.js';
import { compareProviders, providerCases, randomSourceCases } from '@sotto/compliance/crypto-provider';
import { decodeHex, encodeUtf8, type RandomSource } from '@sotto/core';
import { describe, expect, test, vi } from 'vitest';
import { createPortableProvider, describeProvider } from '../src/index.js';
import { loadArgon2id, loadWebAssemblyProvider } from '../src/webassembly.js';

const portable = createPortableProvider();
const provider = await loadWebAssemblyProvider();

describe('the WebAssembly provider meets the suite', () => {
  for (const { name, run } of providerCases()) test(name, () => run(provider));
});

describe('the WebAssembly provider with a random source of its own', () => {
  for (const { name, run } of randomSourceCases()) {
    test(name, async () => {
      // It is loaded once, and the cases want one at once, each with another source.
      let source: RandomSource = () => new Uint8Array(0);
      const loaded = await loadWebAssemblyProvider({ random: (length) => source(length) });
      run(({ random }) => {
        source = random;
        return loaded;
      });
    });
  }
});

describe('the WebAssembly provider beside the portable one', () => {
  test('returns the same bytes and throws the same errors', () => {
    compareProviders(portable, provider, { seed: 'webassembly', rounds: 60 });
  }, 60_000);

  test('agrees on all hostile inputs of secp256k1', () => {
    compareProviders(portable, provider, {
      seed: 'hostile',
      rounds: 400,
      only: /^secp256k1\.(parse|uncompress|recover|ecdh)/,
    });
  }, 60_000);

  test('signs digests at and above the order alike, for which RFC 6979 reduces first', () => {
    const { privateKey } = portable.secp256k1.generateKeyPair();
    for (const digest of [
      'fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140',
      'fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141',
      'ff'.repeat(32),
      '00'.repeat(32),
    ].map(decodeHex)) {
      expect(provider.secp256k1.signRecoverable(digest, privateKey)).toEqual(
        portable.secp256k1.signRecoverable(digest, privateKey),
      );
    }
  });

  test('says what it runs on', () => {
    expect(describeProvider(provider)).toContain('secp256k1: libsecp256k1, WebAssembly');
  });
});

describe('without its packages', () => {
  test.each(['@bitauth/libauth', 'hash-wasm'])(
    '%s missing: says what to install, by a code',
    async (name) => {
      vi.resetModules();
      vi.doMock(name, () => {
        throw Object.assign(new Error(`Cannot find package '${name}'`), { code: 'ERR_MODULE_NOT_FOUND' });
      });
      try {
        const { loadWebAssemblyProvider: load } = await import('../src/webassembly.js');
        await expect(load()).rejects.toMatchObject({
          name: 'SottoError',
          code: 'PACKAGE_MISSING',
          message: expect.stringContaining('npm install @bitauth/libauth hash-wasm'),
          details: { packages: ['@bitauth/libauth', 'hash-wasm'] },
        });
      } finally {
        vi.doUnmock(name);
        vi.resetModules();
      }
    },
  );
});

describe('Argon2id', () => {
  test.each([
    [8, 1],
    [64, 3],
    [1024, 2],
  ])(
    'of %i KiB and %i passes: as @noble/hashes has it, and the arguments stay as they were',
    async (memoryKiB, passes) => {
      const argon2id = await loadArgon2id();
      const [password, salt] = [encodeUtf8('correct horse ☃'), new Uint8Array(16).fill(7)];
      const key = await argon2id(password, salt, { memoryKiB, passes });
      expect(key).toEqual(await argon2idAsync(password, salt, { m: memoryKiB, t: passes, p: 1, dkLen: 32 }));
      expect([password, salt]).toEqual([encodeUtf8('correct horse ☃'), new Uint8Array(16).fill(7)]);
    },
  );

  test('says what to install where it is missing', async () => {
    vi.resetModules();
    vi.doMock('hash-wasm', () => {
      throw Object.assign(new Error("Cannot find package 'hash-wasm'"), { code: 'ERR_MODULE_NOT_FOUND' });
    });
    try {
      const { loadArgon2id: load } = await import('../src/webassembly.js');
      await expect(load()).rejects.toMatchObject({
        code: 'PACKAGE_MISSING',
        details: { packages: ['hash-wasm'] },
      });
    } finally {
      vi.doUnmock('hash-wasm');
      vi.resetModules();
    }
  });
});
