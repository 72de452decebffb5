import type { SottoError } from '@sotto/core';
import { defaultProvider } from '@sotto/crypto';
import { describe, expect, it } from 'vitest';
import { encodeWithoutNonce } from '../src/envelope/envelope.js';
import { powBits } from '../src/index.js';
import { createNonceSearch } from '../src/mining/nonce-search.js';
import {
  decodeEnvelope,
  type Envelope,
  EnvelopePool,
  type EnvelopePoolOptions,
  encodeEnvelope,
  proofOfWork,
} from '../src/whisper.js';

import { manualClock } from './manual-clock.js';

const crypto = defaultProvider();

function sealed(fields: Partial<Envelope> & Pick<Envelope, 'expiry'>, minimumPow = 0.002): Uint8Array {
  const envelope = {
    ttl: 15,
    topic: Uint8Array.of(1, 2, 3, 4),
    data: crypto.randomBytes(100),
    ...fields,
  };
  const prefix = encodeWithoutNonce(envelope);
  const bits = powBits(minimumPow, prefix.length, Math.max(1, envelope.ttl));
  return encodeEnvelope({ ...envelope, nonce: createNonceSearch(prefix).find(bits, 0, 1_000_000).nonce });
}

/** One that nobody worked for, and that was not lucky either. */
function idle(expiry: number): Uint8Array {
  for (;;) {
    const bytes = sealed({ expiry }, 0);
    if (proofOfWork(crypto, decodeEnvelope(bytes)) < 0.002) return bytes;
  }
}

function pool(options: EnvelopePoolOptions = {}) {
  const clock = manualClock();
  const now = () => Math.floor(clock.now() / 1000);
  return { clock, now, pool: new EnvelopePool({ crypto, clock, ...options }) };
}

function reasonOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    const { code, details } = error as SottoError<'MALFORMED_MESSAGE'>;
    return `${code}: ${details.reason ?? details.what}`;
  }
  return 'taken';
}

describe('the pool of envelopes', () => {
  it('accepts each once, reports it once with its origin, and returns it by hash', () => {
    const { pool: p, now } = pool();
    const heard: unknown[] = [];
    p.subscribe(({ hash }, origin) => heard.push([hash, origin]));
    const bytes = sealed({ expiry: now() + 15 });
    const copy = bytes.slice();
    const first = p.add(copy, 'a peer');
    copy.fill(0);
    expect(p.add(bytes, 'another')).toBeUndefined();
    expect(first).toMatchObject({ bytes, envelope: decodeEnvelope(bytes) });
    expect(first?.pow).toBeGreaterThanOrEqual(0.002);
    expect(heard).toEqual([[first?.hash, 'a peer']]);
    expect(p.get(first?.hash as string)).toBe(first);
    expect([p.size, p.bytes, [...p]]).toEqual([1, bytes.length, [first]]);
    p.close();
  });

  it('calls no listener that was removed, and accepts nothing once closed', () => {
    const { pool: p, now } = pool();
    const heard: unknown[] = [];
    p.subscribe((envelope) => heard.push(envelope))();
    p.add(sealed({ expiry: now() + 15 }));
    expect(heard).toEqual([]);
    p.close();
    expect(reasonOf(() => p.add(sealed({ expiry: now() + 15 })))).toMatch('CLOSED');
    expect([p.size, p.bytes]).toEqual([0, 0]);
  });

  it.each([
    ['TTL 0 (infinite work)', (now: number) => sealed({ expiry: now + 15, ttl: 0 }), 'no time to live'],
    ['TTL above the ceiling', (now: number) => sealed({ expiry: now + 301, ttl: 301 }), 'more than 300 s'],
    ['expiry before TTL', () => sealed({ expiry: 5, ttl: 15 }), 'before it can have been sealed'],
    ['more than 10 s in the future', (now: number) => sealed({ expiry: now + 26 }), 'in the future'],
    ['expired', (now: number) => sealed({ expiry: now - 1 }), 'it has expired'],
    ['too little work', (now: number) => idle(now + 15), 'too little proof of work'],
    ['over 1 MiB', () => new Uint8Array(1024 * 1024 + 1), 'LIMIT_EXCEEDED'],
    ['not RLP', () => Uint8Array.of(0xff, 1, 2), 'cut off'],
  ])('%s: refused', (_, make, reason) => {
    const { pool: p, now } = pool({ policy: { minimumPow: 0.002 } });
    const bytes = make(now());
    expect(reasonOf(() => p.add(bytes))).toMatch(reason);
    expect([p.size, p.bytes]).toEqual([0, 0]);
    p.close();
  });

  it('a megabyte of lists within lists: refused by its first bytes', () => {
    const nested = new Uint8Array(1024 * 1024).fill(0xfa);
    for (let at = 0; at + 4 <= nested.length; at += 4) {
      const left = nested.length - at - 4;
      nested.set([0xfa, left >> 16, (left >> 8) & 255, left & 255], at);
    }
    const { pool: p } = pool();
    expect(reasonOf(() => p.add(nested))).toMatch('MALFORMED_MESSAGE: not a list of 5 byte strings');
    p.close();
  });

  it('drops what has expired in the second after', async () => {
    const { pool: p, clock, now } = pool();
    p.add(sealed({ expiry: now() + 10 }));
    const longer = p.add(sealed({ expiry: now() + 15 }));
    await clock.advance(10_000);
    expect(p.size).toBe(2);
    await clock.advance(1_000);
    expect([...p]).toEqual([longer]);
    expect(p.bytes).toBe(longer?.bytes.length);
    await clock.advance(3_600_000);
    expect([p.size, p.bytes]).toEqual([0, 0]);
    p.close();
  });

  it('a flood: what would live longest makes room, is not new again, and the rest stays', () => {
    const { pool: p, now } = pool({ maxEnvelopes: 10 });
    const flood = Array.from({ length: 50 }, () => sealed({ expiry: now() + 100, ttl: 100 }));
    const outcomes = flood.map((bytes) => reasonOf(() => p.add(bytes)));
    expect(outcomes.filter((outcome) => outcome === 'taken').length).toBe(10);
    const honest = Array.from({ length: 10 }, () => sealed({ expiry: now() + 15 }));
    for (const bytes of honest) expect(p.add(bytes)).toBeDefined();
    expect([...p].map(({ envelope }) => envelope.ttl)).toEqual(Array(10).fill(15));
    expect(p.add(flood[0] as Uint8Array)).toBeUndefined();
    p.close();
  });

  it('returns those of a topic in order of arrival, and forgets topics with their last envelope', async () => {
    const { pool: p, clock, now } = pool({ maxEnvelopes: 4 });
    const [one, two] = [Uint8Array.of(255, 0, 0, 1), Uint8Array.of(0, 0, 0, 1)];
    const add = (topic: Uint8Array, ttl: number) => p.add(sealed({ expiry: now() + ttl, ttl, topic }));
    const [first, second, third] = [add(one, 15), add(two, 20), add(one, 10)];
    expect([...p.withTopic(one)]).toEqual([first, third]);
    expect([...p.withTopic(two)]).toEqual([second]);
    expect([...p.withTopic(Uint8Array.of(9, 9, 9, 9))]).toEqual([]);
    const displaced = Uint8Array.of(7, 7, 7, 7);
    const fourth = add(displaced, 100);
    expect([...p.withTopic(displaced)]).toEqual([fourth]);
    add(two, 20);
    expect([...p.withTopic(displaced)]).toEqual([]);
    expect(p.topics).toBe(2);
    await clock.advance(11_000);
    expect([...p.withTopic(one)]).toEqual([first]);
    await clock.advance(30_000);
    expect([p.size, p.topics]).toEqual([0, 0]);
    p.close();
  });

  it('keeps no more bytes than it may', () => {
    const { pool: p, now } = pool({ maxBytes: 1_000 });
    const outcomes = Array.from({ length: 20 }, () => reasonOf(() => p.add(sealed({ expiry: now() + 15 }))));
    expect(p.bytes).toBeLessThanOrEqual(1_000);
    expect(outcomes).toContain('LIMIT_EXCEEDED: bytes of the pool');
    p.close();
  });

  it('asks for more or less work from now on', () => {
    const { pool: p, now } = pool();
    p.setPolicy({ minimumPow: 1e9 });
    expect(p.policy).toMatchObject({ minimumPow: 1e9, maxTtl: 300 });
    expect(reasonOf(() => p.add(sealed({ expiry: now() + 15 })))).toMatch('too little proof of work');
    p.close();
  });
});
