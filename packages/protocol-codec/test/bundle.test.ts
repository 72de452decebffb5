import { compareBytes, encodeHex, encodeUtf8 } from '@sotto/core';
import { loadVectors, unhex } from '@sotto/testing/vectors';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeBundle,
  decodeBundleJson,
  encodeBundle,
  encodeBundleJson,
  withoutKemPreKeys,
} from '../src/index.js';
import { bundle as anyBundle } from './arbitraries.js';
import { refusal } from './errors.js';

const { cases } = loadVectors('bundle');

const EMPTY = {
  identity: new Uint8Array(),
  signedPreKeys: new Map(),
  signature: new Uint8Array(),
  timestamp: 0n,
};

function inByteOrder(keys: Iterable<string>): string[] {
  return [...keys].sort((a, b) => compareBytes(encodeUtf8(a), encodeUtf8(b)));
}

describe('bundles of deployed peers', () => {
  it('has cases', () => expect(cases.length).toBeGreaterThan(0));

  it.each(cases.map((one, index) => ({ index, one })))('reads every field of case $index', ({ one }) => {
    const bundle = decodeBundle(unhex(one.protobuf));
    expect(encodeHex(bundle.identity)).toBe(one.identity);
    expect(encodeHex(bundle.signature)).toBe(one.signature);
    expect(bundle.timestamp).toBe(one.timestamp);
    expect(inByteOrder(bundle.signedPreKeys.keys())).toEqual(inByteOrder(Object.keys(one.signedPreKeys)));
    for (const [installationId, preKey] of bundle.signedPreKeys) {
      const expected = one.signedPreKeys[installationId];
      expect({ ...preKey, signedPreKey: encodeHex(preKey.signedPreKey) }).toEqual(expected);
    }
  });

  it.each(cases.map((one, index) => ({ index, one })))(
    'writes case $index so that it reads the same',
    ({ one }) => {
      const bundle = decodeBundle(unhex(one.protobuf));
      const encoded = encodeBundle(bundle);
      expect(decodeBundle(encoded)).toEqual(bundle);
      expect(encoded.length).toBe(unhex(one.protobuf).length);
      const keys = [...bundle.signedPreKeys.keys()];
      if (inByteOrder(keys).join() === keys.join()) expect(encodeHex(encoded)).toBe(one.protobuf);
    },
  );

  it.each(cases.map((one, index) => ({ index, one })))(
    'reads and writes the JSON of case $index',
    ({ one }) => {
      const bundle = decodeBundle(unhex(one.protobuf));
      expect(decodeBundleJson(one.json)).toEqual(bundle);
      const json = encodeBundleJson(bundle);
      expect(JSON.parse(json)).toEqual(JSON.parse(one.json));
      // Which characters of an installation id are escaped is free; everything else is the same to the byte.
      if (!one.json.includes('\\')) expect(json).toBe(one.json);
    },
  );
});

describe('encodeBundle', () => {
  it('is read back as it was', () => {
    fc.assert(
      fc.property(anyBundle, (bundle) => {
        expect(decodeBundle(encodeBundle(bundle))).toEqual(bundle);
      }),
    );
  });

  it('returns the same bytes whatever the order of the prekeys', () => {
    fc.assert(
      fc.property(anyBundle, (bundle) => {
        const reversed = { ...bundle, signedPreKeys: new Map([...bundle.signedPreKeys].reverse()) };
        expect(encodeBundle(reversed)).toEqual(encodeBundle(bundle));
      }),
    );
  });

  it('orders installation ids by their bytes, not by their UTF-16 units', () => {
    const preKey = { signedPreKey: new Uint8Array(), version: 1, protocolVersion: 0 };
    const bundle = {
      ...EMPTY,
      signedPreKeys: new Map([
        ['😀', preKey],
        ['\uffff', preKey],
        ['10', preKey],
        ['9', preKey],
      ]),
    };
    const { signedPreKeys } = decodeBundle(encodeBundle(bundle));
    expect([...signedPreKeys.keys()]).toEqual(['10', '9', '\uffff', '😀']);
  });

  it('is empty for a bundle with nothing in it', () => {
    expect(encodeBundle(EMPTY)).toEqual(new Uint8Array());
    expect(decodeBundle(new Uint8Array())).toEqual(EMPTY);
  });

  it.each([-1, 0.5, 2 ** 32, Number.NaN])('refuses %s as a version', (version) => {
    const preKey = { signedPreKey: new Uint8Array(33), version, protocolVersion: 0 };
    refusal('INVALID_ARGUMENT', () => encodeBundle({ ...EMPTY, signedPreKeys: new Map([['a', preKey]]) }));
    const device = { signedPreKey: new Uint8Array(33), version: 1, protocolVersion: version };
    refusal('INVALID_ARGUMENT', () =>
      encodeBundleJson({ ...EMPTY, signedPreKeys: new Map([['a', device]]) }),
    );
  });

  it.each([2n ** 63n, -(2n ** 63n) - 1n])('refuses %s as a timestamp', (timestamp) => {
    expect(refusal('INVALID_ARGUMENT', () => encodeBundle({ ...EMPTY, timestamp }))).toMatchObject({
      reason: 'not an int64',
    });
    refusal('INVALID_ARGUMENT', () => encodeBundleJson({ ...EMPTY, timestamp }));
  });

  it('refuses a lone surrogate in an installation id', () => {
    const preKey = { signedPreKey: new Uint8Array(33), version: 1, protocolVersion: 0 };
    const bundle = { ...EMPTY, signedPreKeys: new Map([['a\ud800', preKey]]) };
    refusal('INVALID_TEXT', () => encodeBundle(bundle));
    refusal('INVALID_TEXT', () => encodeBundleJson(bundle));
  });
});

describe('withoutKemPreKeys', () => {
  it('leaves out the ML-KEM prekeys alone', () => {
    fc.assert(
      fc.property(anyBundle, (bundle) => {
        const short = withoutKemPreKeys(bundle);
        expect(decodeBundle(encodeBundle(short))).toEqual({
          ...bundle,
          signedPreKeys: new Map(
            Array.from(bundle.signedPreKeys, ([id, preKey]) => {
              if (preKey.hybrid === undefined) return [id, preKey];
              const { suites, curve25519PreKey, kemPreKeyHash } = preKey.hybrid;
              return [id, { ...preKey, hybrid: { suites, curve25519PreKey, kemPreKeyHash } }];
            }),
          ),
        });
      }),
    );
  });
});
