import { RLP } from '@ethereumjs/rlp';
import { concatBytes, systemClock } from '@sotto/core';
import { defaultProvider } from '@sotto/crypto';
import { createInlineMiner } from '@sotto/whisper-transport';
import { decodeEnvelope, encodePlain, proofOfWork, sealData } from '@sotto/whisper-transport/whisper';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeMailCompletion,
  decodeMailRequest,
  encodeMailCompletion,
  encodeMailRequest,
  openMailRequest,
  sealMailRequest,
} from '../src/mailserver.js';

const crypto = defaultProvider();
const uint32 = (value: number) => {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
};
const bloom = new Uint8Array(64).fill(0x5a);
const cursor = new Uint8Array(36).fill(7);
const none = new Uint8Array(0);
const all = new Uint8Array(64).fill(0xff);

const requests = fc
  .record({
    times: fc.tuple(fc.nat(2 ** 32 - 1), fc.nat(2 ** 32 - 1)),
    bloom: fc.uint8Array({ minLength: 64, maxLength: 64 }),
    limit: fc.nat(2 ** 32 - 1),
    cursor: fc.oneof(fc.constant(none), fc.uint8Array({ minLength: 36, maxLength: 36 })),
    batch: fc.boolean(),
  })
  .map(({ times, ...rest }) => ({ lower: Math.min(...times), upper: Math.max(...times), ...rest }));

describe('requests to a mailserver', () => {
  it('come out as they went in', () => {
    fc.assert(
      fc.property(requests, (request) => {
        expect(decodeMailRequest(encodeMailRequest(request))).toEqual(request);
      }),
    );
  });

  it.each([
    ['times alone', [], { bloom: all, limit: 0, cursor: none }],
    ['with a bloom filter', [bloom], { bloom, limit: 0, cursor: none }],
    ['with a limit', [bloom, uint32(9)], { bloom, limit: 9, cursor: none }],
    ['with a cursor', [bloom, uint32(9), cursor], { bloom, limit: 9, cursor }],
  ])("in go-ethereum's bytes: %s", (_, parts, rest) => {
    const payload = concatBytes(uint32(1_600_000_000), uint32(1_600_000_100), ...parts);
    expect(decodeMailRequest(payload)).toEqual({
      lower: 1_600_000_000,
      upper: 1_600_000_100,
      batch: false,
      ...rest,
    });
  });

  it('of later versions, with more items, are read', () => {
    const later = RLP.encode([1, 2, bloom, 3, cursor, 1, [Uint8Array.of(1, 2, 3, 4)]]);
    expect(decodeMailRequest(later)).toEqual({ lower: 1, upper: 2, bloom, limit: 3, cursor, batch: true });
  });

  it('of earlier ones, with five items, are read', () => {
    const earlier = RLP.encode([1, 2, bloom, 3, cursor]);
    expect(decodeMailRequest(earlier)).toEqual({ lower: 1, upper: 2, bloom, limit: 3, cursor, batch: false });
  });

  it.each([
    ['empty', none],
    ['a length that nobody sends', new Uint8Array(40)],
    ['a bloom filter of another length', RLP.encode([1, 2, new Uint8Array(63)])],
    ['a cursor of another length', RLP.encode([1, 2, bloom, 3, new Uint8Array(35)])],
    ['a time of 5 bytes', RLP.encode([2 ** 33, 2 ** 34, bloom])],
    ['times alone in a list', RLP.encode([1, 2])],
    ['a list cut off', RLP.encode([1, 2, bloom]).subarray(0, 40)],
  ])('malformed: %s', (_, payload) => {
    expect(() => decodeMailRequest(payload)).toThrow(expect.objectContaining({ code: 'MALFORMED_MESSAGE' }));
  });

  it('are sealed with work, and opened with the key of the password alone', async () => {
    const [key, signer] = [crypto.randomBytes(32), crypto.secp256k1.generateKeyPair()];
    const miner = createInlineMiner(systemClock);
    const request = { lower: 1, upper: 2, bloom, limit: 3, cursor, batch: true };
    const sealed = await sealMailRequest(request, { crypto, miner, now: 1_700_000_000, key, signer });
    const envelope = decodeEnvelope(sealed);
    expect(proofOfWork(crypto, envelope)).toBeGreaterThanOrEqual(0.002);
    expect(openMailRequest(crypto, key, envelope)).toEqual(request);
    expect(() => openMailRequest(crypto, crypto.randomBytes(32), envelope)).toThrow(
      expect.objectContaining({ code: 'AUTHENTICATION_FAILED' }),
    );
    const plain = encodePlain(crypto, encodeMailRequest(request), undefined);
    const unsigned = { ...envelope, data: sealData(crypto, { kind: 'symmetric', key }, plain) };
    expect(() => openMailRequest(crypto, key, unsigned)).toThrow(/Not a valid request/);
  });
});

describe('completions of a mailserver', () => {
  const [requestId, lastHash] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];

  it('come out as they went in, and as the oldest write them', () => {
    for (const at of [none, cursor]) {
      const completion = { outcome: 'completed', requestId, lastHash, cursor: at } as const;
      expect(decodeMailCompletion(encodeMailCompletion(completion))).toEqual(completion);
    }
    const refusal = { outcome: 'refused', requestId, reason: 'not for you' } as const;
    expect(decodeMailCompletion(encodeMailCompletion(refusal))).toEqual(refusal);
    expect(decodeMailCompletion(requestId)).toEqual({
      outcome: 'completed',
      requestId,
      lastHash: new Uint8Array(32),
      cursor: none,
    });
  });

  it('what a mailserver says in a refusal is text, whatever it sends', () => {
    const said = concatBytes(
      new TextEncoder().encode('ERROR='),
      requestId,
      Uint8Array.of(65, 0, 27, 0xff, 66, 10),
    );
    expect(decodeMailCompletion(said)).toEqual({ outcome: 'refused', requestId, reason: 'AB' });
  });

  it('of other lengths are refused', () => {
    for (const length of [0, 31, 101]) {
      expect(() => decodeMailCompletion(new Uint8Array(length))).toThrow(/Not a valid completion/);
    }
  });
});
