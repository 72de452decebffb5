import { encodeBase64 } from '@sotto/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeBundleJson, encodeBundleJson } from '../src/index.js';
import { bundle as anyBundle } from './arbitraries.js';
import { refusal } from './errors.js';

const EMPTY = {
  identity: new Uint8Array(),
  signedPreKeys: new Map(),
  signature: new Uint8Array(),
  timestamp: 0n,
};

/** Not `JSON.stringify` of an object: that would order keys, and could not say one twice. */
const withPreKeys = (...members: string[]) => `{"signedPreKeys":{${members.join(',')}}}`;

describe('encodeBundleJson', () => {
  it('is read back as it was', () => {
    fc.assert(
      fc.property(anyBundle, (bundle) => {
        expect(decodeBundleJson(encodeBundleJson(bundle))).toEqual(bundle);
      }),
    );
  });

  it('leaves out defaults', () => {
    expect(encodeBundleJson(EMPTY)).toBe('{}');
    const preKey = { signedPreKey: new Uint8Array(), version: 0, protocolVersion: 0 };
    expect(encodeBundleJson({ ...EMPTY, signedPreKeys: new Map([['a', preKey]]) })).toBe(
      '{"signedPreKeys":{"a":{}}}',
    );
  });

  it('orders numeric installation ids as text', () => {
    const preKey = { signedPreKey: new Uint8Array(), version: 1, protocolVersion: 0 };
    const signedPreKeys = new Map([
      ['9', preKey],
      ['10', preKey],
    ]);
    expect(encodeBundleJson({ ...EMPTY, signedPreKeys })).toBe(
      '{"signedPreKeys":{"10":{"version":1},"9":{"version":1}}}',
    );
  });
});

describe('decodeBundleJson', () => {
  it('ignores unknown fields', () => {
    const json =
      '{"future":[1,{"a":null}],"signedPreKeys":{"a":{"version":2,"future":1.5}},"isLosslessNumber":true}';
    expect(decodeBundleJson(json).signedPreKeys.get('a')?.version).toBe(2);
  });

  it('treats null as the default', () => {
    expect(
      decodeBundleJson('{"identity":null,"signedPreKeys":null,"signature":null,"timestamp":null}'),
    ).toEqual(EMPTY);
  });

  it("accepts the schema's names of fields", () => {
    const json = '{"signed_pre_keys":{"a":{"signed_pre_key":"AQ==","protocol_version":3}}}';
    expect(decodeBundleJson(json).signedPreKeys.get('a')).toEqual({
      signedPreKey: Uint8Array.of(1),
      version: 0,
      protocolVersion: 3,
    });
  });

  it.each([
    ['"1795398601756053839"', 1795398601756053839n],
    ['1795398601756053839', 1795398601756053839n],
    ['-9223372036854775808', -(2n ** 63n)],
    ['"9223372036854775807"', 2n ** 63n - 1n],
    ['1e3', 1000n],
    ['"1.0"', 1n],
  ])('reads %s exactly as a timestamp', (written, timestamp) => {
    expect(decodeBundleJson(`{"timestamp":${written}}`).timestamp).toBe(timestamp);
  });

  it.each([
    '9223372036854775808',
    '-9223372036854775809',
    '1.5',
    '1e400',
    '1e18',
    '"x"',
    '""',
    '" 1"',
    'true',
    '{}',
    '[]',
  ])('refuses %s as a timestamp', (written) => {
    refusal('MALFORMED_MESSAGE', () => decodeBundleJson(`{"timestamp":${written}}`));
  });

  it.each(['-1', '4294967296', '"0x1"', 'false', '["1"]', '[1]'])('refuses %s as a version', (written) => {
    refusal('MALFORMED_MESSAGE', () => decodeBundleJson(withPreKeys(`"a":{"version":${written}}`)));
  });

  it('reads base64 of either alphabet, padded or not', () => {
    const bytes = Uint8Array.of(0xfb, 0xff, 0xfe, 0x01);
    for (const text of ['+//+AQ==', '-__-AQ==', '+//+AQ', '-__-AQ']) {
      expect(decodeBundleJson(`{"identity":"${text}"}`).identity).toEqual(bytes);
    }
  });

  it.each(['"A"', '"===="', '"AA==="', '"A A="', '"*"', '12', '{}', '["AA=="]', 'true'])(
    'refuses %s as bytes',
    (written) => {
      refusal('MALFORMED_MESSAGE', () => decodeBundleJson(`{"identity":${written}}`));
    },
  );

  it.each([
    '',
    ' ',
    '{',
    'nonsense',
    '{"identity":"",}',
    '{} {}',
    'null',
    '1',
    '"a"',
    '[]',
    '{"signedPreKeys":[]}',
  ])('refuses %j', (json) => {
    refusal('MALFORMED_MESSAGE', () => decodeBundleJson(json));
  });

  it('refuses a prekey that is null or no object', () => {
    for (const value of ['null', '1', '[]', '"AA=="']) {
      refusal('MALFORMED_MESSAGE', () => decodeBundleJson(withPreKeys(`"a":${value}`)));
    }
  });

  it('refuses a name that occurs twice', () => {
    refusal('MALFORMED_MESSAGE', () =>
      decodeBundleJson(withPreKeys('"a":{"version":1}', '"a":{"version":2}')),
    );
    refusal('MALFORMED_MESSAGE', () => decodeBundleJson('{"timestamp":"1","timestamp":"2"}'));
    refusal('MALFORMED_MESSAGE', () => decodeBundleJson('{"signedPreKeys":{},"signed_pre_keys":{}}'));
  });

  it('treats names of prototypes like any others: as installation ids, or unknown fields', () => {
    const json = withPreKeys('"__proto__":{"version":7}', '"constructor":{"version":8}');
    const { signedPreKeys } = decodeBundleJson(json);
    expect(signedPreKeys.get('__proto__')?.version).toBe(7);
    expect(signedPreKeys.get('constructor')?.version).toBe(8);
    expect(decodeBundleJson('{"__proto__":{"timestamp":"5"}}').timestamp).toBe(0n);
    expect(({} as Record<string, unknown>)['version']).toBeUndefined();
  });

  it('refuses a lone surrogate in an installation id', () => {
    refusal('MALFORMED_MESSAGE', () => decodeBundleJson(withPreKeys('"\\ud800":{}')));
  });

  it('refuses nesting that would overflow the stack', () => {
    const nested = `{"a":${'['.repeat(200_000)}`;
    expect(refusal('MALFORMED_MESSAGE', () => decodeBundleJson(nested))).toEqual({
      what: 'JSON of a bundle',
      reason: 'not valid JSON',
    });
  });

  it('refuses what is beyond a limit', () => {
    const devices = Array.from({ length: 101 }, (_, i) => `"${i}":{}`);
    expect(refusal('LIMIT_EXCEEDED', () => decodeBundleJson(withPreKeys(...devices)))).toMatchObject({
      limit: 100,
      actual: 101,
    });
    expect(
      decodeBundleJson(withPreKeys(...devices), { limits: { maxDevicesPerBundle: 101 } }).signedPreKeys.size,
    ).toBe(101);
    refusal('LIMIT_EXCEEDED', () => decodeBundleJson(`${' '.repeat(256 * 1024)}{}`));
    refusal('LIMIT_EXCEEDED', () => decodeBundleJson(withPreKeys(`"${'é'.repeat(129)}":{}`)));
    const long = encodeBase64(new Uint8Array(129));
    refusal('LIMIT_EXCEEDED', () => decodeBundleJson(`{"identity":"${long}"}`));
    refusal('LIMIT_EXCEEDED', () => decodeBundleJson(withPreKeys(`"a":{"signedPreKey":"${long}"}`)));
  });
});
