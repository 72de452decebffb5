import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type ClientFrame,
  decodeClientFrame,
  decodeRelayFrame,
  encodeClientFrame,
  encodeRelayFrame,
  RELAY_CURSOR_MAX_LENGTH,
  type RelayFrame,
} from '../src/relay-protocol.js';

const id = fc.nat(2 ** 32 - 1);
const bytes = fc.uint8Array({ maxLength: 300 });
const topic = fc.uint8Array({ minLength: 4, maxLength: 4 });
const topics = fc.array(topic, { maxLength: 20 });
const cursor = fc.uint8Array({ maxLength: RELAY_CURSOR_MAX_LENGTH });
const constant = <T extends string>(kind: T) => fc.constant(kind);

const clientFrames: fc.Arbitrary<ClientFrame> = fc.oneof(
  fc.record({ kind: constant('publish'), id, envelope: bytes }),
  fc.record({ kind: constant('subscribe'), id, topics }),
  fc.record({
    kind: constant('history'),
    id,
    from: id,
    to: id,
    limit: fc.nat(2 ** 16 - 1),
    cursor,
    topics,
  }),
  fc.record({ kind: constant('ping'), id }),
);

const relayFrames: fc.Arbitrary<RelayFrame> = fc.oneof(
  fc.record({
    kind: constant('welcome'),
    version: fc.nat(255),
    history: fc.boolean(),
    minimumPow: fc.double({ noNaN: true }),
    maxEnvelopeBytes: id,
    maxTopics: id,
  }),
  fc.record({
    kind: constant('welcome'),
    version: fc.nat(255),
    history: fc.boolean(),
    minimumPow: fc.double({ noNaN: true }),
    maxEnvelopeBytes: id,
    maxTopics: id,
    time: fc.maxSafeNat(),
  }),
  fc.record({ kind: constant('time'), time: fc.maxSafeNat() }),
  fc.record({ kind: constant('done'), id }),
  fc.record({
    kind: constant('refused'),
    id,
    code: fc.constantFrom('malformed', 'unacceptable', 'limit', 'busy', 'unsupported'),
    reason: fc.string({ maxLength: 100 }),
  }),
  fc.record({ kind: constant('envelope'), topic, envelope: bytes }),
  fc.record({ kind: constant('archived'), id, topic, envelope: bytes }),
  fc.record({ kind: constant('page'), id, cursor }),
);

describe('frames of the relay protocol', () => {
  it('come out as they went in', () => {
    fc.assert(
      fc.property(clientFrames, (frame) => {
        expect(decodeClientFrame(encodeClientFrame(frame))).toEqual(frame);
      }),
    );
    fc.assert(
      fc.property(relayFrames, (frame) => {
        expect(decodeRelayFrame(encodeRelayFrame(frame))).toEqual(frame);
      }),
    );
  });

  it('are as docs/relay-protocol.md has them', () => {
    const hex = (frame: Uint8Array) => Buffer.from(frame).toString('hex');
    const [a, b] = [Uint8Array.of(1, 2, 3, 4), Uint8Array.of(5, 6, 7, 8)];
    const envelope = Uint8Array.of(0xc0, 0xff);
    expect(hex(encodeClientFrame({ kind: 'publish', id: 7, envelope }))).toBe('0100000007c0ff');
    expect(hex(encodeClientFrame({ kind: 'subscribe', id: 8, topics: [a, b] }))).toBe(
      '02000000080102030405060708',
    );
    expect(
      hex(
        encodeClientFrame({
          kind: 'history',
          id: 9,
          from: 16,
          to: 17,
          limit: 500,
          cursor: Uint8Array.of(0xaa),
          topics: [a],
        }),
      ),
    ).toBe('0300000009000000100000001101f401aa01020304');
    expect(hex(encodeClientFrame({ kind: 'ping', id: 10 }))).toBe('040000000a');
    expect(
      hex(
        encodeRelayFrame({
          kind: 'welcome',
          version: 1,
          history: true,
          minimumPow: 0.002,
          maxEnvelopeBytes: 2 ** 20,
          maxTopics: 2_000,
        }),
      ),
    ).toBe('8001013f60624dd2f1a9fc00100000000007d0');
    expect(hex(encodeRelayFrame({ kind: 'done', id: 7 }))).toBe('8100000007');
    expect(hex(encodeRelayFrame({ kind: 'refused', id: 7, code: 'busy', reason: 'so' }))).toBe(
      '820000000704736f',
    );
    expect(hex(encodeRelayFrame({ kind: 'envelope', topic: a, envelope }))).toBe('8301020304c0ff');
    expect(hex(encodeRelayFrame({ kind: 'archived', id: 9, topic: a, envelope }))).toBe(
      '840000000901020304c0ff',
    );
    expect(hex(encodeRelayFrame({ kind: 'page', id: 9, cursor: Uint8Array.of(0xaa) }))).toBe('8500000009aa');
  });

  it('that are cut off, odd or unknown are refused, whatever they are', () => {
    const outcome = (decode: (frame: Uint8Array) => unknown, frame: Uint8Array) => {
      try {
        decode(frame);
        return 'read';
      } catch (error) {
        return (error as { code?: string }).code;
      }
    };
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (noise) => {
        expect(['read', 'MALFORMED_MESSAGE']).toContain(outcome(decodeClientFrame, noise));
        expect(['read', 'MALFORMED_MESSAGE']).toContain(outcome(decodeRelayFrame, noise));
      }),
    );
    const subscribe = encodeClientFrame({ kind: 'subscribe', id: 1, topics: [Uint8Array.of(1, 2, 3, 4)] });
    expect(outcome(decodeClientFrame, subscribe.subarray(0, -1))).toBe('MALFORMED_MESSAGE');
    expect(outcome(decodeClientFrame, Uint8Array.of(0x77, 0, 0, 0, 1))).toBe('MALFORMED_MESSAGE');
    expect(outcome(decodeClientFrame, new Uint8Array(0))).toBe('MALFORMED_MESSAGE');
    expect(outcome(decodeClientFrame, Uint8Array.of(0x04, 0, 0, 0, 1, 0))).toBe('MALFORMED_MESSAGE');
    // A later version may say more.
    expect(decodeRelayFrame(Uint8Array.of(0x90, 1, 2))).toBeUndefined();
  });

  it('hold nothing that does not fit', () => {
    expect(() => encodeClientFrame({ kind: 'ping', id: 2 ** 32 })).toThrow(/does not fit/);
    expect(() => encodeClientFrame({ kind: 'subscribe', id: 1, topics: [Uint8Array.of(1, 2, 3)] })).toThrow(
      /[Nn]ot a topic/,
    );
  });
});
