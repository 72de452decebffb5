import { decodeBase64, decodeUtf8, encodeBase64, encodeUtf8, isSottoError } from '@sotto/core';
import { loadVectors, unhex } from '@sotto/testing/vectors';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeBundle, decodeContactCode, encodeBundle, encodeContactCode } from '../src/index.js';
import { bundle as anyBundle } from './arbitraries.js';
import { refusal } from './errors.js';

const { cases } = loadVectors('bundle');

describe('contact codes', () => {
  it.each(cases.map((one, index) => ({ index, one })))('reads both forms of case $index', ({ one }) => {
    const bundle = decodeBundle(unhex(one.protobuf));
    expect(decodeContactCode(encodeBase64(encodeUtf8(one.json)))).toEqual(bundle);
    expect(decodeContactCode(encodeBase64(unhex(one.protobuf)))).toEqual(bundle);
    expect(decodeContactCode(encodeContactCode(bundle))).toEqual(bundle);
  });

  it('is read back as it was, in both forms', () => {
    fc.assert(
      fc.property(anyBundle, (bundle) => {
        expect(decodeContactCode(encodeContactCode(bundle))).toEqual(bundle);
        const bytes = encodeBundle(bundle);
        if (bytes.length > 0) expect(decodeContactCode(encodeBase64(bytes))).toEqual(bundle);
      }),
    );
  });

  it('carries a strict signature, in both forms', () => {
    fc.assert(
      fc.property(anyBundle, fc.uint8Array({ minLength: 1, maxLength: 128 }), (bundle, strictSignature) => {
        const signed = { ...bundle, strictSignature };
        const code = encodeContactCode(signed);
        expect(decodeContactCode(code)).toEqual(signed);
        expect(decodeContactCode(encodeBase64(encodeBundle(signed)))).toEqual(signed);
        expect(JSON.parse(decodeUtf8(decodeBase64(code)))).toMatchObject({
          strictSignature: encodeBase64(strictSignature),
        });
      }),
    );
  });

  it('ignores white space around it, padding and alphabet', () => {
    fc.assert(
      fc.property(anyBundle, (bundle) => {
        const code = encodeContactCode(bundle);
        const urlSafe = code.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
        expect(decodeContactCode(` \r\n\t${code}\n\u00a0`)).toEqual(bundle);
        expect(decodeContactCode(urlSafe)).toEqual(bundle);
      }),
    );
  });

  it('says what is wrong', () => {
    expect(refusal('INVALID_TEXT', () => decodeContactCode('not a contact code'))).toEqual({
      what: 'contact code',
      reason: 'not base64',
    });
    // Padding within it.
    refusal('INVALID_TEXT', () => decodeContactCode('CgE=CgE='));
    refusal('INVALID_TEXT', () => decodeContactCode('=CgE'));
    refusal('INVALID_TEXT', () => decodeContactCode('0x04deadbeef!'));
    expect(refusal('MALFORMED_MESSAGE', () => decodeContactCode('')).reason).toBe('empty');
    expect(refusal('MALFORMED_MESSAGE', () => decodeContactCode(' \n')).reason).toBe('empty');
    refusal('MALFORMED_MESSAGE', () => decodeContactCode(encodeBase64(encodeUtf8('{"identity":'))));
    refusal('MALFORMED_MESSAGE', () => decodeContactCode(encodeBase64(Uint8Array.of(0x7b, 0xff))));
    refusal('MALFORMED_MESSAGE', () => decodeContactCode(encodeBase64(encodeUtf8('hello'))));
  });

  it('cut off at any place, it is malformed: its characters are not what is wrong with it', () => {
    fc.assert(
      fc.property(anyBundle, fc.nat(), (bundle, at) => {
        // Padding says nothing: without it, the code is whole.
        const digits = encodeContactCode(bundle).replaceAll('=', '');
        const rest = digits.slice(0, at % digits.length);
        refusal('MALFORMED_MESSAGE', () => decodeContactCode(rest));
      }),
    );
  });

  it('refuses a huge one before reading it', () => {
    refusal('LIMIT_EXCEEDED', () => decodeContactCode('A'.repeat(2 ** 20)));
    refusal('LIMIT_EXCEEDED', () => decodeContactCode('='.repeat(2 ** 20)));
    refusal('LIMIT_EXCEEDED', () => decodeContactCode('AAAAAAAA', { limits: { maxBundleBytes: 3 } }));
  });

  it('survives any text', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.base64String(),
          fc.json().map((json) => encodeBase64(new TextEncoder().encode(json))),
        ),
        (text) => {
          try {
            decodeContactCode(text);
          } catch (error) {
            expect(isSottoError(error)).toBe(true);
          }
        },
      ),
      { numRuns: 1000 },
    );
  });
});
