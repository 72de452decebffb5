import { randomBytes as nodeRandomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { encodeHex } from '@sotto/core';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { createPortableProvider, defaultProvider, X25519KeyPair } from '../src/index.js';

afterEach(() => {
  vi.restoreAllMocks();
  vi.resetModules();
});

describe('the default provider, where it is not Node', () => {
  test('is the portable one, and the same on every call', () => {
    expect(defaultProvider().name).toBe('portable');
    expect(defaultProvider()).toBe(defaultProvider());
  });

  test('has everything except X25519, which is loaded only on request', () => {
    const { x25519, ...others } = createPortableProvider();
    expect(x25519).toBeDefined();
    expect(Object.keys(defaultProvider()).toSorted()).toEqual(Object.keys(others).toSorted());
  });

  test('is not created by importing the package', async () => {
    const made = vi.fn();
    vi.doMock('../src/portable.js', () => ({ createMinimalProvider: made }));
    const fresh = await import('../src/default-provider.js');
    expect(made).not.toHaveBeenCalled();
    fresh.defaultProvider();
    expect(made).toHaveBeenCalledOnce();
    vi.doUnmock('../src/portable.js');
  });
});

describe('the random source', () => {
  test("is the platform's secure one when none is given", () => {
    const platform = vi.spyOn(globalThis.crypto, 'getRandomValues');
    expect(createPortableProvider().randomBytes(24).length).toBe(24);
    expect(platform).toHaveBeenCalledOnce();
  });

  test('may return Buffers; the output is plain all the same', () => {
    const crypto = createPortableProvider({ random: (length) => nodeRandomBytes(length) });
    expect(crypto.randomBytes(16).constructor).toBe(Uint8Array);
    expect(crypto.secp256k1.generateKeyPair().privateKey.constructor).toBe(Uint8Array);
    expect(crypto.x25519.generateKeyPair().privateKey.constructor).toBe(Uint8Array);
  });

  test('passes on its own error', () => {
    const crypto = createPortableProvider({
      random: () => {
        throw new Error('no entropy');
      },
    });
    expect(() => crypto.randomBytes(16)).toThrow('no entropy');
    expect(() => crypto.secp256k1.generateKeyPair()).toThrow('no entropy');
  });
});

describe('key pairs', () => {
  test('are inspected as redacted', () => {
    const { secp256k1, x25519 } = createPortableProvider();
    const pairs = [secp256k1.generateKeyPair(), x25519.generateKeyPair()];
    expect(pairs.map((pair) => inspect(pair))).toEqual(['[KeyPair: redacted]', '[X25519KeyPair: redacted]']);
    expect(pairs[1]).toBeInstanceOf(X25519KeyPair);
    for (const pair of pairs) {
      expect(inspect({ pair }, { depth: 9 })).not.toContain(encodeHex(pair.privateKey).slice(0, 8));
    }
  });
});
