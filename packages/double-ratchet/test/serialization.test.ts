import { runInNewContext } from 'node:vm';
import { encodeHex } from '@sotto/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  countSkippedKeys,
  decodeMessage,
  decodeState,
  decrypt,
  encodeMessage,
  encodeState,
  encrypt,
  RatchetState,
  startInitiator,
  startResponder,
} from '../src/index.js';
import { hasSkippedKey } from '../src/skipped-keys.js';
import { bytesOf, codeOf, type Party, pair, textOf } from './party.js';

/** Sessions at interesting moments. */
function moments(name: 'secp256k1' | 'curve25519'): Record<string, Party> {
  const fresh = pair(name);
  const sent = pair(name);
  sent.bob.receive(sent.alice.send(bytesOf('x')));
  const gaps = pair(name);
  for (let chain = 0; chain < 2; chain++) {
    for (let i = 0; i < 6; i++) {
      const message = gaps.alice.send(bytesOf('x'));
      if (i % 2 === 1) gaps.bob.receive(message);
    }
    gaps.alice.receive(gaps.bob.send(bytesOf('turn')));
  }
  return {
    'initiator, fresh': fresh.alice,
    'responder, fresh': fresh.bob,
    'initiator, sent': sent.alice,
    'responder, turn due': sent.bob,
    'with gaps': gaps.bob,
  };
}

describe.each(['secp256k1', 'curve25519'] as const)('state as bytes, %s', (name) => {
  it.each(Object.entries(moments(name)))('%s round-trips', (_, party) => {
    const bytes = encodeState(party.state);
    const back = decodeState(bytes);
    expect(back).toEqual(party.state);
    expect(encodeState(back)).toEqual(bytes);
  });

  it('keeps counters of any size', () => {
    const { bob } = pair(name);
    const large = new RatchetState({
      ...bob.state,
      receiving: { ...bob.state.receiving, n: 0x0102_0304 },
      previousLength: 0xffff_ffff,
      received: 300,
      skipped: [{ key: bob.suite.generateKeyPair().publicKey, first: 70_000, count: 1000, storedAt: 65_537 }],
      remoteKey: bob.suite.generateKeyPair().publicKey,
    });
    expect(decodeState(encodeState(large))).toEqual(large);
  });

  it('keeps runs of skipped keys of any length, and any number of them', () => {
    const { bob } = pair(name);
    const key = bob.suite.generateKeyPair().publicKey;
    const withSkipped = (skipped: RatchetState['skipped']) =>
      new RatchetState({ ...bob.state, received: 5, remoteKey: key, skipped });
    for (const count of [65_535, 65_536, 70_000, 200_000, 2 ** 32 - 1]) {
      const back = decodeState(encodeState(withSkipped([{ key, first: 0, count, storedAt: 3 }])));
      expect(countSkippedKeys(back.skipped)).toBe(count);
      expect(hasSkippedKey(back.skipped, { key, n: count - 1 })).toBe(true);
      expect(hasSkippedKey(back.skipped, { key, n: count })).toBe(false);
      expect(encodeState(back)).toEqual(encodeState(withSkipped([{ key, first: 0, count, storedAt: 3 }])));
    }
    const many = Array.from({ length: 70_000 }, (_, i) => ({ key, first: 2 * i, count: 1, storedAt: 0 }));
    const { skipped } = decodeState(encodeState(withSkipped(many)));
    // Compared by hand: so many objects take an assertion many seconds.
    const isSame = skipped.every(
      (run, i) =>
        run.first === 2 * i && run.count === 1 && run.storedAt === 0 && encodeHex(run.key) === encodeHex(key),
    );
    expect([skipped.length, isSame]).toEqual([70_000, true]);
  });

  it('that can not be written is refused, and never cut short', () => {
    const { bob } = pair(name);
    const [one, other] = [bob.suite.generateKeyPair().publicKey, bob.suite.generateKeyPair().publicKey];
    const skipped = Array.from({ length: 65_536 }, (_, i) => ({
      key: i % 2 ? one : other,
      first: i,
      count: 1,
      storedAt: 0,
    }));
    const withSkipped = (runs: RatchetState['skipped']) =>
      encodeState(new RatchetState({ ...bob.state, skipped: runs }));
    expect(() => withSkipped(skipped)).toThrow(
      expect.objectContaining({
        code: 'LIMIT_EXCEEDED',
        details: { what: 'chains with skipped keys', limit: 65_535, actual: 65_536 },
      }),
    );
    expect(decodeState(withSkipped(skipped.slice(1))).skipped).toHaveLength(65_535);
    expect(codeOf(() => encodeState(new RatchetState({ ...bob.state, received: 2 ** 32 })))).toBe(
      'LIMIT_EXCEEDED',
    );
  });

  it('that lists impossible skipped keys is refused', () => {
    const { bob } = pair(name);
    const key = bob.suite.generateKeyPair().publicKey;
    const state = (first: number) =>
      encodeState(new RatchetState({ ...bob.state, skipped: [{ key, first, count: 9, storedAt: 0 }] }));
    expect(codeOf(() => decodeState(state(0xffff_fffe)))).toBe('STATE_CORRUPT');
    const empty = state(5);
    expect(codeOf(() => decodeState(empty.with(empty.length - 5, 0)))).toBe('STATE_CORRUPT');
  });

  it.each([
    ['Buffer', (bytes: Uint8Array) => Buffer.from(bytes)],
    [
      'shared memory',
      (bytes: Uint8Array) => new Uint8Array(new SharedArrayBuffer(bytes.length)).map((_, i) => bytes[i]!),
    ],
    [
      'another realm',
      (bytes: Uint8Array) => runInNewContext('Uint8Array.from(bytes)', { bytes }) as Uint8Array,
    ],
  ])('goes on when everything was handed in as bytes in %s, and wiped after each call', (_, make) => {
    const suite = pair(name).alice.suite;
    const kept: Uint8Array[] = [];
    const lent = (bytes: Uint8Array) => {
      const copy = make(bytes);
      kept.push(copy);
      return copy;
    };
    const wipe = () => {
      for (const bytes of kept.splice(0)) bytes.fill(0);
    };
    const shared = suite.crypto.randomBytes(32);
    const keyPair = suite.generateKeyPair();
    let alice = startInitiator(suite, lent(shared), lent(keyPair.publicKey));
    let bob = startResponder(suite, lent(shared), {
      publicKey: lent(keyPair.publicKey),
      privateKey: lent(keyPair.privateKey),
    });
    wipe();
    const texts: string[] = [];
    for (let i = 0; i < 6; i++) {
      const sent = encrypt(suite, i % 2 ? bob : alice, lent(bytesOf(`message ${i}`)));
      const received = decrypt(
        suite,
        i % 2 ? alice : bob,
        decodeMessage(lent(sent.encoded), suite.publicKeyLength),
      );
      texts.push(textOf(received.plaintext));
      const stored = [sent.next, received.next].map((state) => decodeState(lent(encodeState(state))));
      [alice, bob] = (i % 2 ? stored.toReversed() : stored) as [RatchetState, RatchetState];
      wipe();
    }
    expect(texts).toEqual(Array.from({ length: 6 }, (_, i) => `message ${i}`));
  });

  it('has at most 224 bytes without skipped keys', () => {
    for (const party of Object.values(moments(name))) {
      if (party.state.skipped.length === 0) expect(encodeState(party.state).length).toBeLessThanOrEqual(224);
    }
  });

  it('grows by about 10 bytes for a gap', () => {
    const party = moments(name)['with gaps'] as Party;
    // Two chains with a key each, six gaps.
    expect(encodeState(party.state).length).toBeLessThan(224 + 2 * (33 + 2) + 6 * 10 + 1);
  });

  it('is copied: the session goes on after the bytes were overwritten', () => {
    const { alice, bob } = pair(name);
    bob.receive(alice.send(bytesOf('x')));
    const bytes = encodeState(bob.state);
    bob.state = decodeState(bytes);
    bytes.fill(0);
    alice.receive(bob.send(bytesOf('answer')));
    expect(textOf(bob.receive(alice.send(bytesOf('goes on'))))).toBe('goes on');
  });

  it('is refused when cut anywhere, or when something follows', () => {
    for (const party of Object.values(moments(name))) {
      const bytes = encodeState(party.state);
      for (let length = 0; length < bytes.length; length++) {
        expect(codeOf(() => decodeState(bytes.slice(0, length)))).toBe('STATE_CORRUPT');
      }
      expect(() => decodeState(bytes.slice(0, 60))).toThrow(
        expect.objectContaining({ details: { what: 'ratchet state', reason: 'it ends too early' } }),
      );
      expect(codeOf(() => decodeState(Uint8Array.of(...bytes, 0)))).toBe('STATE_CORRUPT');
    }
  });

  it('is refused with an unknown version, suite or combination', () => {
    const bytes = encodeState(pair(name).bob.state);
    const changed = (at: number, value: number) => {
      const copy = bytes.slice();
      copy[at] = value;
      return codeOf(() => decodeState(copy));
    };
    expect(() => decodeState(bytes.with(0, 2))).toThrow(
      expect.objectContaining({
        code: 'STATE_VERSION_UNSUPPORTED',
        details: { what: 'ratchet state', version: 2 },
      }),
    );
    expect(() => decodeState(bytes.with(1, 3))).toThrow(
      expect.objectContaining({ details: { what: 'ratchet state', reason: 'unknown suite' } }),
    );
    expect(changed(1, 0)).toBe('STATE_CORRUPT');
    expect(changed(1, 3)).toBe('STATE_CORRUPT');
    // Whatever else is right: flags that this version doesn't know may not be passed over.
    expect(changed(2, 8)).toBe('STATE_CORRUPT');
    expect(changed(2, (bytes[2] as number) | 8)).toBe('STATE_CORRUPT');
    const common = bytes.slice(0, 3 + 32 + 32 + 12);
    const nothing = Uint8Array.of(...common.with(2, 0), 0, 0);
    expect(codeOf(() => decodeState(nothing))).toBe('STATE_CORRUPT');
    const chainWithoutKey = Uint8Array.of(...common.with(2, 1), ...new Uint8Array(36), 0, 0);
    expect(codeOf(() => decodeState(chainWithoutKey))).toBe('STATE_CORRUPT');
  });

  it('random bytes yield either a typed error or a state', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.integer({ min: 0, max: 7 }), (bytes, flags) => {
        for (const input of [bytes, Uint8Array.of(1, name === 'secp256k1' ? 1 : 2, flags, ...bytes)]) {
          const code = codeOf(() => encodeState(decodeState(input)));
          expect(['STATE_CORRUPT', 'STATE_VERSION_UNSUPPORTED', 'no error']).toContain(code);
        }
      }),
    );
  });
});

describe('a message as bytes', () => {
  it('round-trips', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 33, maxLength: 33 }),
        fc.nat(),
        fc.nat(),
        fc.uint8Array(),
        (key, n, pn, body) => {
          const message = { header: { key, n, pn }, body };
          expect(decodeMessage(encodeMessage(message), 33)).toEqual(message);
        },
      ),
    );
  });

  it('is not changed by reading it, and later changes do not affect what was read', () => {
    const { alice, bob } = pair();
    const bytes = encodeMessage(alice.send(bytesOf('x')));
    const before = bytes.slice();
    const plaintext = bob.receive(decodeMessage(bytes, 32));
    expect(bytes).toEqual(before);
    bytes.fill(0);
    expect(textOf(plaintext)).toBe('x');
    expect(textOf(bob.receive(decodeMessage(encodeMessage(alice.send(bytesOf('y'))), 32)))).toBe('y');
    expect(textOf(alice.receive(bob.send(bytesOf('z'))))).toBe('z');
  });

  it('is refused when shorter than its header', () => {
    expect(() => decodeMessage(new Uint8Array(40), 33)).toThrow(
      expect.objectContaining({
        code: 'RATCHET_MALFORMED',
        details: { reason: '40 bytes, the header alone has 41' },
      }),
    );
    expect(codeOf(() => decodeMessage(new Uint8Array(41), 33))).toBe('no error');
  });
});
