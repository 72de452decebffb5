import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import {
  concatBytes,
  copyBytes,
  encodeHex,
  encodeUtf8,
  isBytes,
  parseBytes,
  parseFunction,
  parseInstallationId,
  parseObject,
  parseText,
} from '../src/index.js';

const refused = (what: string, reason: unknown = expect.anything()) =>
  expect.objectContaining({ code: 'INVALID_ARGUMENT', details: { what, reason } });

const kinds: readonly (readonly [string, (bytes: Uint8Array) => Uint8Array])[] = [
  ['plain', (bytes) => new Uint8Array(bytes)],
  ['a Buffer', (bytes) => Buffer.from(bytes)],
  ['a part of a larger one', (bytes) => Uint8Array.of(9, 9, ...bytes, 9).subarray(2, 2 + bytes.length)],
  ['another realm', (bytes) => runInNewContext('Uint8Array.from(bytes)', { bytes })],
  [
    'shared memory',
    (bytes) => {
      const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
      shared.set(bytes);
      return shared;
    },
  ],
];

describe('bytes from outside', () => {
  it.each(kinds)('%s: copied into memory of their own', (_, make) => {
    const lent = make(Uint8Array.of(1, 2, 3));
    expect(isBytes(lent)).toBe(true);
    expect(parseBytes(lent, 'x')).toBe(lent);
    const copy = copyBytes(lent, 'x');
    lent.fill(0);
    expect(copy).toEqual(Uint8Array.of(1, 2, 3));
    expect(Object.getPrototypeOf(copy)).toBe(Uint8Array.prototype);
    expect(copy.buffer.byteLength).toBe(3);
    expect(encodeHex(make(Uint8Array.of(1, 255)))).toBe('01ff');
    expect(concatBytes(make(Uint8Array.of(1)), make(Uint8Array.of(2)))).toEqual(Uint8Array.of(1, 2));
  });

  it.each<[string, unknown]>([
    ['a Uint8ClampedArray', new Uint8ClampedArray(3)],
    ['another typed array', new Uint16Array(3)],
    ['a DataView', new DataView(new ArrayBuffer(3))],
    ['an ArrayBuffer', new ArrayBuffer(3)],
    ['an array', [1, 2, 3]],
    ['a text', 'abc'],
    ['what claims to be one', { [Symbol.toStringTag]: 'Uint8Array', length: 3, 0: 1 }],
    ['what inherits from one', Object.create(new Uint8Array(3))],
    ['nothing', undefined],
    ['null', null],
  ])('%s: refused by name', (_, value) => {
    expect(isBytes(value)).toBe(false);
    expect(() => copyBytes(value as Uint8Array, 'payload')).toThrow(refused('payload', 'not a Uint8Array'));
    expect(() => encodeHex(value as Uint8Array)).toThrow(refused('bytes'));
    expect(() => concatBytes(new Uint8Array(1), value as Uint8Array)).toThrow(refused('bytes'));
  });
});

describe('other arguments', () => {
  it('strings, functions and objects are returned as they are; anything else is refused by name', () => {
    const run = () => {};
    const port = { close: run };
    expect([parseText('', 'a'), parseFunction(run, 'b'), parseObject(port, 'c', 'close')]).toEqual([
      '',
      run,
      port,
    ]);
    expect(parseObject(run, 'd')).toBe(run);
    expect(() => parseText(5 as never, 'a')).toThrow(refused('a', 'not a string'));
    expect(() => parseFunction({}, 'b')).toThrow(refused('b', 'not a function'));
    for (const value of [undefined, null, 5, 'text']) {
      expect(() => parseObject(value as never, 'c')).toThrow(refused('c', 'not an object'));
    }
    expect(() => parseObject({} as typeof port, 'c', 'close')).toThrow(refused('c', 'has no close'));
    expect(() => parseObject(Promise.resolve(port) as never, 'c', 'close' as never)).toThrow(
      refused('c', expect.stringContaining('await')),
    );
  });

  it("a value that isn't a string is not converted to one", () => {
    expect(() => encodeUtf8(undefined as never)).toThrow(refused('text'));
    expect(() => encodeUtf8(5 as never)).toThrow(refused('text'));
    expect(() => parseInstallationId(undefined as never)).toThrow(refused('installation id'));
  });
});
