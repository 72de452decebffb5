import { describe, expect, it } from 'vitest';
import { decodeTripleHeader, encodeTripleHeader } from '../src/header.js';
import type { SparsePart } from '../src/sparse.js';
import { codeOf, crypto } from './party.js';

const ratchet = { key: crypto.randomBytes(32), n: 0x01020304, pn: 0xfffffffe };
const headerWith = (part: SparsePart) => ({ ratchet, sparse: { epoch: 7, n: 0, pn: 0xfffffffe, part } });
const have = headerWith({ kind: 'have', chunks: 0b1010_0101 });

describe('headers as bytes', () => {
  it('are the ratchet key, five counters, a tag, and what it says', () => {
    const text = Buffer.from(encodeTripleHeader(have)).toString('hex');
    expect(text).toBe(
      `${Buffer.from(ratchet.key).toString('hex')}01020304fffffffe0000000700000000fffffffe10a5`,
    );
    const chunk = encodeTripleHeader(headerWith({ kind: 'ciphertext', index: 7, bytes: new Uint8Array(52) }));
    expect([chunk.length, chunk[52]]).toEqual([53 + 52, 15]);
  });

  it.each([
    have,
    ...[0, 1, 2, 3, 4, 5, 6, 7].flatMap((index) => [
      headerWith({ kind: 'key', index, bytes: crypto.randomBytes(148) }),
      headerWith({ kind: 'ciphertext', index, bytes: crypto.randomBytes(index === 7 ? 52 : 148) }),
    ]),
  ])('are read as they were written', (header) => {
    expect(decodeTripleHeader(encodeTripleHeader(header))).toEqual(header);
  });

  it('are refused when they are cut, too long, or of an unknown kind', () => {
    const bytes = encodeTripleHeader(have);
    for (let length = 0; length < bytes.length; length++) {
      expect(codeOf(() => decodeTripleHeader(bytes.subarray(0, length)))).toBe('RATCHET_MALFORMED');
    }
    expect(codeOf(() => decodeTripleHeader(Uint8Array.of(...bytes, 0)))).toBe('RATCHET_MALFORMED');
    expect(() => decodeTripleHeader(bytes.subarray(0, -1))).toThrow(
      expect.objectContaining({ details: { reason: 'it is too short' } }),
    );
    for (const tag of [0, 8, 17, 255]) {
      const changed = bytes.slice();
      changed[52] = tag;
      expect(codeOf(() => decodeTripleHeader(changed))).toBe('RATCHET_MALFORMED');
    }
  });
});
