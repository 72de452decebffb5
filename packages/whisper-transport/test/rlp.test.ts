import { RLP } from '@ethereumjs/rlp';
import { compareBytes, decodeHex } from '@sotto/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeItem, firstItem, joinList, readBytes, readInteger, splitList } from '../src/support/rlp.js';
import { encodeEnvelope, peekTopic } from '../src/whisper.js';

describe('items', () => {
  it('are encoded as an independent library does, and read back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(encodeItem(bytes)).toEqual(RLP.encode(bytes));
        expect(readBytes('bytes', encodeItem(bytes))).toEqual(bytes);
      }),
    );
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (value) => {
        expect(encodeItem(value)).toEqual(RLP.encode(value));
        expect(readInteger('integer', encodeItem(value))).toBe(value);
      }),
    );
    for (const length of [55, 56, 255, 256, 65_535, 65_536, 70_000]) {
      const bytes = new Uint8Array(length).fill(length);
      expect(compareBytes(encodeItem(bytes), RLP.encode(bytes))).toBe(0);
      expect(compareBytes(readBytes('bytes', encodeItem(bytes)), bytes)).toBe(0);
    }
    for (const value of [0, 1, 127, 128, 255, 256]) expect(encodeItem(value)).toEqual(RLP.encode(value));
  });

  it('what follows the first is left alone', () => {
    const item = encodeItem(Uint8Array.of(1, 2, 3));
    expect(firstItem('item', Uint8Array.of(...item, 9, 9))).toEqual(item);
  });
});

describe('lists of encoded items', () => {
  it('are what the library makes of them, in both directions', () => {
    const items = fc.array(
      fc.oneof(fc.uint8Array({ maxLength: 80 }), fc.array(fc.uint8Array({ maxLength: 30 }))),
      {
        maxLength: 30,
      },
    );
    fc.assert(
      fc.property(items, (list) => {
        const encoded = list.map((item) => RLP.encode(item));
        expect(joinList(encoded)).toEqual(RLP.encode(list));
        expect(splitList('list', joinList(encoded), 30)).toEqual(encoded);
      }),
    );
    const long = Array.from({ length: 70 }, () => new Uint8Array(1000));
    expect(joinList(long.map((item) => RLP.encode(item)))).toEqual(RLP.encode(long));
  });
});

describe('the topic of an envelope, at a glance', () => {
  it('is what decoding returns', () => {
    const integer = fc.integer({ min: 0, max: 2 ** 32 - 1 });
    const fields = fc.record({
      expiry: integer,
      ttl: integer,
      topic: fc.uint8Array({ minLength: 4, maxLength: 4 }),
      data: fc.uint8Array({ maxLength: 300 }),
      nonce: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    });
    fc.assert(
      fc.property(fields, (value) => {
        expect(peekTopic(encodeEnvelope(value))?.slice()).toEqual(value.topic);
      }),
    );
  });

  it('is undefined for what is not an envelope', () => {
    for (const hex of ['', '80', 'c0', 'c401028401', 'f8', 'c3010203', 'ff', 'c685010203']) {
      expect(peekTopic(decodeHex(hex))).toBeUndefined();
    }
  });
});
