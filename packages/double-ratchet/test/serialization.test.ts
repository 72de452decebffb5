import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeMessage, decodeState, encodeMessage, encodeState, RatchetState } from '../src/index.js';
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
  it.each(Object.entries(moments(name)))('%s comes back the same', (_, party) => {
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
      previousLength: 0xfffe_fdfc,
      received: 300,
      skipped: [{ key: bob.suite.generateKeyPair().publicKey, first: 70_000, count: 1000, storedAt: 65_537 }],
      remoteKey: bob.suite.generateKeyPair().publicKey,
    });
    expect(decodeState(encodeState(large))).toEqual(large);
  });

  it('has at most 224 bytes without skipped keys', () => {
    for (const party of Object.values(moments(name))) {
      if (party.state.skipped.length === 0) expect(encodeState(party.state).length).toBeLessThanOrEqual(224);
    }
  });

  it('grows by some 10 bytes for a gap', () => {
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
    expect(changed(0, 2)).toBe('STATE_VERSION_UNSUPPORTED');
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

  it('random bytes never give anything but a typed error or a state', () => {
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
  it('comes back the same', () => {
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

  it('is not changed by reading it, and what was read of it is left alone by what comes after', () => {
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
    expect(codeOf(() => decodeMessage(new Uint8Array(40), 33))).toBe('RATCHET_MALFORMED');
    expect(codeOf(() => decodeMessage(new Uint8Array(41), 33))).toBe('no error');
  });
});
