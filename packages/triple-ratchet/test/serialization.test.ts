import { decodeState as decodeDhState, encodeState as encodeDhState } from '@sotto/double-ratchet';
import { describe, expect, it } from 'vitest';
import { decodeState, encodeState, TripleRatchetState } from '../src/index.js';
import { nothingCollected } from '../src/sparse/chunks.js';
import { SparseState } from '../src/sparse.js';
import { bytesOf, codeOf, exchange, pair } from './party.js';

/** States of both sides in every stage of an exchange, some with gaps. */
function* states(): Generator<TripleRatchetState> {
  const { alice, bob } = pair();
  yield alice.state;
  yield bob.state;
  for (let round = 0; round < 40; round++) {
    const message = alice.send(bytesOf(`${round}`));
    yield alice.state;
    if (round % 9 !== 4) bob.receive(message);
    yield bob.state;
    alice.receive(bob.send(bytesOf('back')));
    yield bob.state;
    yield alice.state;
  }
}

describe('a state as bytes', () => {
  it('is the same state again, in every stage of an exchange', () => {
    const kinds = new Set<string>();
    for (const state of states()) {
      const bytes = encodeState(state);
      const again = decodeState(bytes);
      expect(again).toEqual(state);
      expect(encodeState(again)).toEqual(bytes);
      kinds.add(state.sparse.exchange.kind);
    }
    expect([...kinds].toSorted()).toEqual([
      'answering',
      'collecting ciphertext',
      'collecting key',
      'offering',
    ]);
  });

  it('has at most 2100 bytes without gaps', () => {
    const { alice, bob } = pair();
    let most = 0;
    for (let round = 0; round < 70; round++) {
      exchange(alice, bob);
      most = Math.max(most, ...[alice, bob].map(({ state }) => encodeState(state).length));
    }
    expect(most).toBeGreaterThan(1500);
    expect(most).toBeLessThanOrEqual(2100);
  });

  it('is refused when cut anywhere, or when something follows', () => {
    const { alice, bob } = pair();
    for (let round = 0; round < 9; round++) exchange(alice, bob);
    for (const { state } of [alice, bob]) {
      const bytes = encodeState(state);
      for (let length = 1; length < bytes.length; length += 7) {
        expect(codeOf(() => decodeState(bytes.subarray(0, length)))).toBe('STATE_CORRUPT');
      }
      expect(codeOf(() => decodeState(Uint8Array.of(...bytes, 0)))).toBe('STATE_CORRUPT');
    }
  });

  it('of another version, or that is no bytes, is refused', () => {
    const bytes = encodeState(pair().alice.state);
    bytes[0] = 2;
    expect(codeOf(() => decodeState(bytes))).toBe('STATE_VERSION_UNSUPPORTED');
    expect(codeOf(() => decodeState('state' as never))).toBe('INVALID_ARGUMENT');
    expect(codeOf(() => decodeState(new Uint8Array(0)))).toBe('STATE_CORRUPT');
  });

  it('shares no memory with what it was read from', () => {
    const bytes = encodeState(pair().alice.state);
    const state = decodeState(bytes);
    const kept = bytes.slice();
    bytes.fill(0);
    expect(encodeState(state)).toEqual(kept);
  });

  it('with a DH ratchet of another suite, or a chain without its header key, is refused', () => {
    const { bob } = pair();
    const { sending: _, ...headerKeys } = bob.state.headerKeys;
    const without = new TripleRatchetState({
      ...bob.state,
      headerKeys: { ...headerKeys, sending: undefined },
    });
    expect(codeOf(() => decodeState(encodeState(without)))).toBe('STATE_CORRUPT');
    const dh = encodeDhState(bob.state.ratchet);
    dh[1] = 1;
    expect(codeOf(() => decodeDhState(dh))).toBe('STATE_CORRUPT');
    const other = { ...bob.state.ratchet, suite: 'secp256k1' as const };
    const keyPair = { publicKey: new Uint8Array(33), privateKey: new Uint8Array(32) };
    const sending = { ...bob.state.ratchet.sending, keyPair };
    const ratchet = Object.assign(Object.create(Object.getPrototypeOf(bob.state.ratchet)), other, {
      sending,
    });
    expect(codeOf(() => decodeState(encodeState(new TripleRatchetState({ ...bob.state, ratchet }))))).toBe(
      'STATE_CORRUPT',
    );
  });

  it('too many header keys can not be written', () => {
    const { alice } = pair();
    const key = { headerKey: new Uint8Array(0), ratchetKey: new Uint8Array(0) };
    const withEarlier = (length: number) =>
      new TripleRatchetState({
        ...alice.state,
        headerKeys: { ...alice.state.headerKeys, earlier: Array(length).fill(key) },
      });
    expect(codeOf(() => encodeState(withEarlier(65_536)))).toBe('LIMIT_EXCEEDED');
    expect(encodeState(withEarlier(65_535)).length).toBeGreaterThan(0);
  });
});

describe('a state that contradicts itself is refused', () => {
  const { alice, bob } = pair();
  for (let round = 0; round < 7; round++) exchange(alice, bob);
  const collecting = bob.state.sparse;
  exchange(alice, bob);
  const answering = bob.state.sparse;
  const collectingCiphertext = alice.state.sparse;
  for (let round = 0; round < 7; round++) exchange(alice, bob);
  const behind = alice.state.sparse;
  const decode = (sparse: SparseState) =>
    codeOf(() => decodeState(encodeState(new TripleRatchetState({ ...bob.state, sparse }))));
  const key = new Uint8Array(32);
  const nothing = new SparseState({ ...collecting, exchange: behind.exchange });
  const nothingAnswered = new SparseState({
    ...collectingCiphertext,
    exchange: { ...collectingCiphertext.exchange, collected: nothingCollected('ciphertext') } as never,
  });

  it('the stages are what they are called', () => {
    expect([collecting, answering, collectingCiphertext, behind].map((state) => state.exchange.kind)).toEqual(
      ['collecting key', 'answering', 'collecting ciphertext', 'collecting key'],
    );
    expect([behind.epoch, behind.remoteEpoch]).toEqual([2, 1]);
    for (const state of [collecting, answering, collectingCiphertext, behind, nothing, nothingAnswered]) {
      expect(decode(state)).toBe('no error');
    }
  });

  it.each<[string, SparseState, Partial<SparseState>]>([
    ['epoch 0', collecting, { epoch: 0, remoteEpoch: 0 }],
    [
      'epoch 0, in which nobody has a turn',
      collectingCiphertext,
      { epoch: 0, remoteEpoch: 0, side: 'responder' },
    ],
    ['a peer in epoch 0', nothing, { remoteEpoch: 0, nextReceiving: key }],
    ['a peer far behind', collecting, { epoch: 3 }],
    ['a peer far behind, of which nothing has come', nothing, { epoch: 3 }],
    ['a peer behind that answers already', nothingAnswered, { epoch: 3, remoteEpoch: 2, nextReceiving: key }],
    ['a peer ahead', collecting, { remoteEpoch: 2 }],
    ['the wrong side to collect', collecting, { side: 'initiator' }],
    ['the wrong side to offer', collectingCiphertext, { side: 'responder' }],
    ['an answer without the next sending chain', answering, { nextSending: undefined }],
    ['an answer without the next receiving chain', answering, { nextReceiving: undefined }],
    ['a next sending chain without an answer', collecting, { nextSending: key }],
    ['a next receiving chain without an answer', collecting, { nextReceiving: key }],
    ['a peer behind without its next chain', behind, { nextReceiving: undefined }],
    ['a peer behind that has sent chunks', behind, { exchange: collecting.exchange }],
    ['a cursor beyond the chunks', answering, { exchange: { ...answering.exchange, cursor: 8 } as never }],
    [
      'a complete ciphertext',
      collectingCiphertext,
      {
        exchange: {
          ...collectingCiphertext.exchange,
          collected: { have: 255, bytes: new Uint8Array(1088) },
        } as never,
      },
    ],
  ])('%s', (_, state, changes) => {
    expect(decode(new SparseState({ ...state, ...changes }))).toBe('STATE_CORRUPT');
  });

  it('unknown side, flags and kinds of exchange', () => {
    const bytes = encodeState(new TripleRatchetState({ ...bob.state, sparse: collecting }));
    const dhLength = encodeDhState(bob.state.ratchet).length;
    const headerKeys = 1 + 32 + 1 + 4 * 32 + 2;
    const side = headerKeys + 4 + dhLength;
    const flags = side + 1 + 32 + 4 + 36 + 4 + 4 + 36;
    const kind = flags + 1 + 4 + 2;
    for (const [at, values] of [
      [33, [4, 255]],
      [side, [0, 3]],
      [flags, [4, 255]],
      [kind, [0, 6]],
    ] as const) {
      for (const value of values) {
        const changed = bytes.slice();
        changed[at] = value;
        expect(codeOf(() => decodeState(changed))).toBe('STATE_CORRUPT');
      }
    }
    expect(bytes[side]).toBe(2);
    expect(bytes[kind]).toBe(4);
  });
});
