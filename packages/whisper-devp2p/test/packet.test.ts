import { RLP } from '@ethereumjs/rlp';
import { concatBytes, decodeHex, encodeHex, type SottoError } from '@sotto/core';
import { joinList } from '@sotto/whisper-transport/internal';
import { encodeEnvelope } from '@sotto/whisper-transport/whisper';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatEnode, parseEnode } from '../src/host/enode.js';
import { decodePacket, encodePacket, type WhisperPacket } from '../src/packets/packet.js';
import { powToBits } from '../src/packets/status.js';
import { compress, uncompress } from '../src/rlpx/snappy.js';
import { crypto, envelope } from './envelopes.js';

const status = (...parts: Parameters<typeof RLP.encode>[0][]) => ({ code: 0, body: RLP.encode(parts) });
const bits = powToBits(0.002);
const FULL = new Uint8Array(64).fill(0xff);

function refusal(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    return (error as SottoError).code;
  }
  return 'taken';
}

describe('packets', () => {
  it('reads the first packet of a Status node, as recorded', () => {
    const body = decodeHex('d106883f60624dd2f1a9fc808001c3808080');
    expect(decodePacket({ code: 0, body })).toEqual({
      kind: 'status',
      status: {
        minimumPow: 0.002,
        bloom: undefined,
        lightNode: false,
        confirmations: true,
        rateLimits: { perAddress: 0, perPeer: 0, perTopic: 0 },
      },
    });
  });

  it('reads the status of plain nodes, long and short ones, and ones of later software', () => {
    const bloom = crypto.randomBytes(64);
    const plain = { kind: 'status', status: { minimumPow: 0.002, bloom, lightNode: true } };
    expect(decodePacket(status(6, bits, bloom, 1))).toEqual(plain);
    const short = { minimumPow: 0, bloom: undefined, lightNode: false };
    expect(decodePacket(status(6))).toEqual({ kind: 'status', status: short });
    expect(decodePacket(status(6, 0))).toEqual({ kind: 'status', status: short });
    expect(decodePacket(status(6, 0, FULL))).toEqual({ kind: 'status', status: short });
    const later = decodePacket(status(6, bits, bloom, 1, 1, [10, 20, 300, 7], [[1]], 'x'));
    expect(later).toEqual({
      kind: 'status',
      status: {
        ...plain.status,
        confirmations: true,
        rateLimits: { perAddress: 10, perPeer: 20, perTopic: 300 },
      },
    });
  });

  it('writes a status that deployed nodes read', () => {
    const { body } = encodePacket({
      kind: 'status',
      status: { minimumPow: 0.002, bloom: undefined, lightNode: false },
    });
    expect(encodeHex(body)).toBe(`f84d06883f60624dd2f1a9fcb840${'ff'.repeat(64)}80`);
  });

  it('what is written is read again', () => {
    const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
    const envelopes = fc.array(fc.constantFrom(...Array.from({ length: 5 }, () => envelope({ pow: 0 }))), {
      maxLength: 5,
    });
    const bloom = fc.option(bytes(64), { nil: undefined });
    const minimumPow = fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }).map(Math.abs);
    const packets: fc.Arbitrary<WhisperPacket> = fc.oneof(
      fc
        .record({ minimumPow, bloom, lightNode: fc.boolean() })
        .map((said) => ({ kind: 'status' as const, status: said })),
      envelopes.map((list) => ({ kind: 'envelopes' as const, envelopes: list })),
      envelopes.map((list) => ({ kind: 'p2pMessages' as const, envelopes: list })),
      minimumPow.map((pow) => ({ kind: 'powRequirement' as const, minimumPow: pow })),
      bloom.map((filter) => ({ kind: 'bloom' as const, bloom: filter })),
      fc.uint8Array({ maxLength: 1024 }).map((payload) => ({ kind: 'requestComplete' as const, payload })),
      envelopes
        .filter(([first]) => first !== undefined)
        .map(([first]) => ({ kind: 'p2pRequest' as const, envelope: first as Uint8Array })),
    );
    fc.assert(
      fc.property(packets, (packet) => {
        expect(decodePacket(encodePacket(packet))).toEqual(packet);
      }),
    );
  });

  it('passes over codes that it does not know', () => {
    for (const code of [4, 11, 12, 20, 124]) {
      expect(decodePacket({ code, body: new Uint8Array(3) })).toBeUndefined();
    }
  });
});

describe('hostile packets: a typed error, nothing more', () => {
  it.each([
    ['of another version', status(5, bits, FULL, 0)],
    ['without a version', status()],
    ['a version that is not canonical', { code: 0, body: decodeHex('c28106') }],
    ['a list for a version', status([6])],
    ['no list', { code: 0, body: RLP.encode(6) }],
    ['a bloom filter of 63 bytes', status(6, bits, FULL.slice(1), 0)],
    ['proof of work: infinity', status(6, powToBits(Number.POSITIVE_INFINITY), FULL, 0)],
    ['proof of work: no number', status(6, powToBits(Number.NaN), FULL, 0)],
    ['proof of work: negative', status(6, powToBits(-1), FULL, 0)],
    ['proof of work: 9 bytes', status(6, new Uint8Array(9).fill(1), FULL, 0)],
    ['a light node that is 2', status(6, bits, FULL, 2)],
    ['bytes behind it', { code: 0, body: concatBytes(status(6, bits, FULL, 0).body, Uint8Array.of(0)) }],
    ['cut off', { code: 0, body: status(6, bits, FULL, 0).body.slice(0, -1) }],
    ['empty', { code: 0, body: new Uint8Array(0) }],
  ])('status: %s', (_name, packet) => {
    expect(refusal(() => decodePacket(packet))).toBe('MALFORMED_MESSAGE');
  });

  it.each([
    ['envelopes that are byte strings', { code: 1, body: RLP.encode(['abc']) }],
    ['envelopes that are no list', { code: 1, body: RLP.encode('abc') }],
    ['envelopes, one cut off', { code: 1, body: decodeHex('c2c301') }],
    ['a length of 2^48 that nothing follows', { code: 1, body: decodeHex('fdffffffffffff') }],
    ['a length with zeros before', { code: 1, body: decodeHex('f800') }],
    ['a new requirement that is negative', { code: 2, body: RLP.encode(powToBits(-0.1)) }],
    ['a new requirement in a list', { code: 2, body: RLP.encode([bits]) }],
    ['a new bloom filter that is empty', { code: 3, body: RLP.encode('') }],
    ['a new bloom filter of 65 bytes', { code: 3, body: RLP.encode(new Uint8Array(65)) }],
    ['a p2p request that is a byte string', { code: 126, body: RLP.encode('abc') }],
    ['p2p messages that are a byte string', { code: 127, body: RLP.encode('abc') }],
    ['p2p messages, some of them byte strings', { code: 127, body: RLP.encode([[1], 'abc']) }],
    ['a request complete in a list', { code: 125, body: RLP.encode(['abc']) }],
  ])('%s', (_name, packet) => {
    expect(refusal(() => decodePacket(packet))).toBe('MALFORMED_MESSAGE');
  });

  it('too much is refused before it is looked at', () => {
    const tooMany = joinList(Array.from({ length: 2 ** 15 + 1 }, () => Uint8Array.of(0xc0)));
    expect(refusal(() => decodePacket({ code: 1, body: tooMany }))).toBe('LIMIT_EXCEEDED');
    const large = encodeEnvelope({
      expiry: 1,
      ttl: 1,
      topic: new Uint8Array(4),
      data: new Uint8Array(2 ** 20),
      nonce: 0n,
    });
    expect(refusal(() => decodePacket({ code: 1, body: joinList([large]) }))).toBe('LIMIT_EXCEEDED');
    expect(refusal(() => decodePacket({ code: 126, body: large }))).toBe('LIMIT_EXCEEDED');
    expect(refusal(() => decodePacket({ code: 125, body: RLP.encode(new Uint8Array(1025)) }))).toBe(
      'LIMIT_EXCEEDED',
    );
  });

  it('lists within lists, tens of thousands deep, are not gone into', () => {
    // From the inside out; each level says in four bytes how long the rest is.
    const nested = new Uint8Array(400_000);
    const view = new DataView(nested.buffer);
    for (let at = nested.length - 4 * 100_000; at < nested.length; at += 4) {
      const rest = nested.length - at - 4;
      if (rest >= 2 ** 16) view.setUint32(at, 0xfa000000 + rest);
      else nested.fill(0x80, at);
    }
    expect(decodePacket({ code: 1, body: nested })).toMatchObject({ kind: 'envelopes' });
    expect(refusal(() => decodePacket({ code: 0, body: nested }))).toBe('MALFORMED_MESSAGE');
  });

  it('whatever bytes come', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(0, 1, 2, 3, 125, 126, 127),
        fc.uint8Array({ maxLength: 200 }),
        (code, body) => {
          expect(['taken', 'MALFORMED_MESSAGE', 'LIMIT_EXCEEDED']).toContain(
            refusal(() => decodePacket({ code, body })),
          );
          expect(['taken', 'MALFORMED_MESSAGE', 'LIMIT_EXCEEDED']).toContain(
            refusal(() => uncompress(body, 1000)),
          );
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe('Snappy', () => {
  it('undoes itself, with plain arrays', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), (bytes) => {
        const back = uncompress(compress(bytes), 2000);
        expect(back).toEqual(bytes);
        expect(back.constructor).toBe(Uint8Array);
      }),
    );
  });

  it('a bomb is refused by what it says of its length', () => {
    expect(refusal(() => uncompress(compress(new Uint8Array(2 ** 20)), 2 ** 20 - 1))).toBe('LIMIT_EXCEEDED');
    expect(refusal(() => uncompress(decodeHex('ffffffff0f'), 2 ** 20))).toBe('LIMIT_EXCEEDED');
    expect(refusal(() => uncompress(decodeHex('ffffffffff01'), 2 ** 20))).toBe('MALFORMED_MESSAGE');
  });

  it('a literal of negative length, over which some decoders turn for ever', () => {
    expect(refusal(() => uncompress(decodeHex('05fcfaffffff'), 2 ** 20))).toBe('MALFORMED_MESSAGE');
  });
});

describe('enode URLs', () => {
  const id = encodeHex(
    crypto.secp256k1.uncompressPublicKey(crypto.secp256k1.generateKeyPair().publicKey),
  ).slice(2);
  const reasonOf = (text: string) => {
    try {
      return parseEnode(crypto, text);
    } catch (error) {
      return (error as SottoError<'INVALID_TEXT'>).details.reason;
    }
  };

  it('are read, and written again', () => {
    expect(parseEnode(crypto, `enode://${id}@127.0.0.1:30303`)).toEqual({
      id,
      host: '127.0.0.1',
      port: 30303,
    });
    expect(parseEnode(crypto, ` enode://${id.toUpperCase()}@node.example.org:1?discport=0\n`)).toEqual({
      id,
      host: 'node.example.org',
      port: 1,
    });
    const six = parseEnode(crypto, `enode://${id}@[::1]:65535`);
    expect(six).toEqual({ id, host: '::1', port: 65535 });
    expect(formatEnode(six)).toBe(`enode://${id}@[::1]:65535`);
  });

  it.each([
    ['http://127.0.0.1:1', /form/],
    [`enode://${id}@127.0.0.1`, /form/],
    [`enode://${id.slice(2)}@127.0.0.1:1`, /128/],
    [`enode://${'zz'.repeat(64)}@127.0.0.1:1`, /128/],
    [`enode://${'00'.repeat(64)}@127.0.0.1:1`, /point/],
    [`enode://${id}@127.0.0.1:0`, /port/],
    [`enode://${id}@127.0.0.1:65536`, /port/],
    [`enode://${id}@::1:1`, /brackets/],
    [`enode://${id}@a b:1`, /host/],
    [`enode://${id}@a/b:1`, /host/],
  ])('%s', (text, reason) => expect(reasonOf(text)).toMatch(reason));
});
