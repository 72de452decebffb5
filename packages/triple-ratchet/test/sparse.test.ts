import type { SottoError } from '@sotto/core';
import { describe, expect, it } from 'vitest';
import {
  CHUNK_LENGTH,
  type SparseHeader,
  SparseState,
  sparseReceiveKey,
  sparseSendKey,
  sparseTakePart,
  startSparse,
} from '../src/sparse.js';
import { codeOf, crypto } from './party.js';
import { type SparseParty, sparsePair } from './sparse-support.js';

const roundTrip = (from: SparseParty, to: SparseParty) => {
  const there = from.send();
  expect(to.receive(there.header)).toBe(there.key);
  const back = to.send();
  expect(from.receive(back.header)).toBe(back.key);
  return { there: there.header, back: back.header };
};
const have = (chunks: number): SparseHeader['part'] => ({ kind: 'have', chunks });

describe('an exchange', () => {
  it('is eight chunks of a key, then eight of a ciphertext, then the roles change', () => {
    const { alice, bob } = sparsePair();
    const parts: string[] = [];
    const name = ({ epoch, part }: SparseHeader) =>
      `${epoch} ${part.kind} ${part.kind === 'have' ? part.chunks : part.index}`;
    for (let round = 0; round < 17; round++) {
      const { there, back } = roundTrip(alice, bob);
      parts.push(`${name(there)} | ${name(back)}`);
    }
    expect(parts).toEqual([
      '1 key 0 | 1 have 1',
      '1 key 1 | 1 have 3',
      '1 key 2 | 1 have 7',
      '1 key 3 | 1 have 15',
      '1 key 4 | 1 have 31',
      '1 key 5 | 1 have 63',
      '1 key 6 | 1 have 127',
      '1 key 7 | 1 ciphertext 0',
      '1 have 1 | 1 ciphertext 1',
      '1 have 3 | 1 ciphertext 2',
      '1 have 7 | 1 ciphertext 3',
      '1 have 15 | 1 ciphertext 4',
      '1 have 31 | 1 ciphertext 5',
      '1 have 63 | 1 ciphertext 6',
      '1 have 127 | 1 ciphertext 7',
      '2 have 0 | 2 key 0',
      '2 have 1 | 2 key 1',
    ]);
  });

  it('sends again only what the other side lacks', () => {
    const { alice, bob } = sparsePair();
    for (let chunk = 0; chunk < 8; chunk++) {
      const { header, key } = alice.send();
      if (chunk !== 2 && chunk !== 5) expect(bob.receive(header)).toBe(key);
    }
    const { header } = bob.send();
    expect(header.part).toEqual(have(0b1101_1011));
    alice.receive(header);
    expect([alice, alice, alice].map((party) => party.send().header.part)).toMatchObject([
      { kind: 'key', index: 2 },
      { kind: 'key', index: 5 },
      { kind: 'key', index: 2 },
    ]);
  });

  it('without an answer the chunks are sent in turn, over and over', () => {
    const { alice } = sparsePair();
    const indexes = Array.from({ length: 18 }, () => alice.send().header.part).map((part) =>
      part.kind === 'have' ? -1 : part.index,
    );
    expect(indexes).toEqual([...Array(18).keys()].map((index) => index % 8));
  });

  it('uses keys of the new secret as soon as the other side is known to have it, and not before', () => {
    const { alice, bob } = sparsePair();
    for (let round = 0; round < 15; round++) roundTrip(alice, bob);
    // Alice has the last chunk: she knows that bob has made the secret. Bob doesn't know yet that she has it.
    expect([alice.state.epoch, bob.state.epoch]).toEqual([2, 1]);
    const late = bob.send();
    const first = alice.send();
    expect([late.header.epoch, first.header.epoch]).toEqual([1, 2]);
    expect(bob.receive(first.header)).toBe(first.key);
    expect(alice.receive(late.header)).toBe(late.key);
    const second = bob.send();
    expect(second.header).toMatchObject({ epoch: 2, n: 0, pn: 16 });
    expect(alice.receive(second.header)).toBe(second.key);
  });

  it('keys differ in each epoch, direction and number, and from what any other secret gives', () => {
    const { alice, bob } = sparsePair();
    const seen = new Set<string>();
    for (let round = 0; round < 40; round++) {
      for (const [from, to] of [
        [alice, bob],
        [bob, alice],
      ] as const) {
        const { header, key } = from.send();
        seen.add(key);
        to.receive(header);
      }
    }
    expect(seen.size).toBe(80);
    expect(sparsePair().alice.send().key).not.toBe(sparsePair().alice.send().key);
  });

  it('draws nothing but a pair with the first message of an offer, and an encapsulation with the first of an answer', () => {
    const draws: string[] = [];
    const watched = {
      ...crypto,
      mlKem768: {
        ...crypto.mlKem768,
        generateKeyPair: () => {
          draws.push('pair');
          return crypto.mlKem768.generateKeyPair();
        },
        encapsulate: (key: Uint8Array) => {
          draws.push('encapsulation');
          return crypto.mlKem768.encapsulate(key);
        },
      },
    };
    const secret = crypto.randomBytes(32);
    let [a, b] = [startSparse(watched, 'initiator', secret), startSparse(watched, 'responder', secret)];
    const step = () => {
      const there = sparseSendKey(watched, a);
      a = there.next;
      b = sparseTakePart(watched, sparseReceiveKey(watched, b, there.header).next, there.header);
      const back = sparseSendKey(watched, b);
      b = back.next;
      a = sparseTakePart(watched, sparseReceiveKey(watched, a, back.header).next, back.header);
    };
    step();
    expect(draws).toEqual(['pair']);
    for (let round = 0; round < 6; round++) step();
    expect(draws).toEqual(['pair']);
    step();
    expect(draws).toEqual(['pair', 'encapsulation']);
    for (let round = 0; round < 7; round++) step();
    expect(draws).toEqual(['pair', 'encapsulation']);
    step();
    expect(draws).toEqual(['pair', 'encapsulation', 'pair']);
  });
});

describe('what a hostile peer carries', () => {
  const take = (party: SparseParty, header: SparseHeader) => sparseTakePart(crypto, party.state, header);

  it('chunks that come twice are taken once, whatever they say the second time', () => {
    const { alice, bob } = sparsePair();
    const { header } = alice.send();
    bob.receive(header);
    const other = {
      ...header,
      part: { kind: 'key' as const, index: 0, bytes: new Uint8Array(CHUNK_LENGTH) },
    };
    expect(take(bob, other)).toBe(bob.state);
  });

  it.each<[string, SparseHeader['part']]>([
    [
      'a chunk of a key where a key is offered',
      { kind: 'key', index: 0, bytes: new Uint8Array(CHUNK_LENGTH) },
    ],
    ['acknowledgement of nothing', have(0)],
  ])('%s changes nothing', (_, part) => {
    const { alice } = sparsePair();
    alice.send();
    expect(take(alice, { epoch: 1, n: 0, pn: 0, part })).toBe(alice.state);
  });

  it.each<[string, SparseHeader['part']]>([
    ['a ciphertext', { kind: 'ciphertext', index: 0, bytes: new Uint8Array(CHUNK_LENGTH) }],
    ['an acknowledgement', have(255)],
  ])('%s for a key that was never sent changes nothing', (_, part) => {
    const { alice, bob } = sparsePair();
    for (const party of [alice, bob]) {
      expect(take(party, { epoch: 1, n: 0, pn: 0, part })).toBe(party.state);
    }
  });

  it('chunks of a key, and acknowledgements, change nothing where a ciphertext is collected, or the other way round', () => {
    const { alice, bob } = sparsePair();
    for (let round = 0; round < 7; round++) roundTrip(alice, bob);
    expect(bob.state.exchange.kind).toBe('collecting key');
    const of = (kind: 'key' | 'ciphertext', index: number) => ({
      kind,
      index,
      bytes: new Uint8Array(CHUNK_LENGTH),
    });
    for (const part of [of('ciphertext', 0), have(255)]) {
      expect(take(bob, { epoch: 1, n: 0, pn: 0, part })).toBe(bob.state);
    }
    roundTrip(alice, bob);
    expect(alice.state.exchange.kind).toBe('collecting ciphertext');
    for (const part of [of('key', 3), have(255)]) {
      expect(take(alice, { epoch: 1, n: 0, pn: 0, part })).toBe(alice.state);
    }
  });

  it('parts of another epoch change nothing', () => {
    const { alice, bob } = sparsePair();
    for (let round = 0; round < 20; round++) roundTrip(alice, bob);
    const part = { kind: 'key' as const, index: 7, bytes: new Uint8Array(CHUNK_LENGTH) };
    for (const epoch of [1, 3, 4]) {
      expect(take(alice, { epoch, n: 0, pn: 0, part })).toBe(alice.state);
      expect(take(bob, { epoch, n: 0, pn: 0, part })).toBe(bob.state);
    }
  });

  it('who claims to have all, and goes no further, is sent nothing more, and messages go on', () => {
    const { alice, bob } = sparsePair();
    alice.receive(bob.send().header);
    alice.send();
    alice.state = take(alice, { epoch: 1, n: 1, pn: 0, part: have(255) });
    const { header, key } = alice.send();
    expect(header.part).toEqual(have(0));
    bob.receive(header);
    expect(key.length).toBeGreaterThan(0);
  });

  it('an invalid key ends the exchange only: its chunks are forgotten, and messages go on', () => {
    const { alice, bob } = sparsePair();
    for (let chunk = 0; chunk < 8; chunk++) {
      const { header, key } = alice.send();
      const bytes = new Uint8Array(CHUNK_LENGTH).fill(255);
      expect(bob.receive({ ...header, part: { kind: 'key', index: chunk, bytes } })).toBe(key);
    }
    expect(bob.send().header.part).toEqual(have(0));
    expect(bob.state.exchange).toMatchObject({ kind: 'collecting key', collected: { have: 0 } });
    // An honest key is still taken.
    for (let round = 0; round < 20; round++) roundTrip(alice, bob);
    expect(alice.state.epoch).toBe(2);
  });

  it('a ciphertext that is not for the key ends in other secrets, so that messages are unreadable from then on', () => {
    const { alice, bob } = sparsePair();
    for (let round = 0; round < 8; round++) roundTrip(alice, bob);
    for (let index = 0; index < 8; index++) {
      const bytes = new Uint8Array(index === 7 ? 52 : CHUNK_LENGTH);
      alice.state = take(alice, { epoch: 1, n: 0, pn: 0, part: { kind: 'ciphertext', index, bytes } });
    }
    expect(alice.state.epoch).toBe(2);
    const { header, key } = alice.send();
    expect(bob.receive(header)).not.toBe(key);
  });

  it('other errors of the provider are passed on', () => {
    const { alice, bob } = sparsePair();
    for (let chunk = 0; chunk < 8; chunk++) bob.receive(alice.send().header);
    const broken = {
      ...crypto,
      mlKem768: {
        ...crypto.mlKem768,
        encapsulate: () => {
          throw new RangeError('broken');
        },
      },
    };
    expect(() => sparseSendKey(broken, bob.state)).toThrow('broken');
  });
});

describe('headers from outside', () => {
  const { alice, bob } = sparsePair();
  const { header } = alice.send();
  const chunk = (index: number, length: number): SparseHeader['part'] => ({
    kind: 'ciphertext',
    index,
    bytes: new Uint8Array(length),
  });

  it.each<[string, Partial<SparseHeader>]>([
    ['epoch 0', { epoch: 0 }],
    ['the next epoch, of which no secret is known', { epoch: 2 }],
    ['an epoch beyond all', { epoch: 2 ** 32 - 1 }],
    ['an epoch that is no whole number', { epoch: 1.5 }],
    ['a negative number', { n: -1 }],
    ['a number beyond all', { n: 2 ** 32 - 1 }],
    ['a negative length', { pn: -1 }],
    ['a length beyond all', { pn: 2 ** 32 - 1 }],
    ['chunk 8', { part: chunk(8, CHUNK_LENGTH) }],
    ['chunk -1', { part: chunk(-1, CHUNK_LENGTH) }],
    ['a short chunk', { part: chunk(0, CHUNK_LENGTH - 1) }],
    ['a long chunk', { part: chunk(0, CHUNK_LENGTH + 1) }],
    ['a last chunk of the length of the others', { part: chunk(7, CHUNK_LENGTH) }],
    ['a set of nine chunks', { part: have(256) }],
    ['a set of chunks that is negative', { part: have(-1) }],
  ])('%s is refused', (_, changes) => {
    expect(codeOf(() => sparseReceiveKey(crypto, bob.state, { ...header, ...changes }))).toBe(
      'RATCHET_MALFORMED',
    );
  });

  it('a last chunk of 52 bytes is taken, and a set of all chunks', () => {
    for (const part of [chunk(7, 52), have(255)]) {
      expect(sparseReceiveKey(crypto, bob.state, { ...header, part }).messageKey.length).toBe(32);
    }
  });

  it('more than 1000 missing in an epoch are refused before a key is derived, 1000 are not', () => {
    let derived = 0;
    const counting = {
      ...crypto,
      hmacSha256: (...input: Parameters<typeof crypto.hmacSha256>) => {
        derived++;
        return crypto.hmacSha256(...input);
      },
    };
    expect(codeOf(() => sparseReceiveKey(counting, bob.state, { ...header, n: 1001 }))).toBe(
      'RATCHET_TOO_MANY_SKIPPED',
    );
    expect(derived).toBe(0);
    expect(sparseReceiveKey(crypto, bob.state, { ...header, n: 1000 }).keys.stored.length).toBe(1000);
  });

  it('at a change of epoch the chain before ends as long as the sender says: shorter is refused, far longer too', () => {
    const pairOf = sparsePair();
    for (let round = 0; round < 15; round++) roundTrip(pairOf.alice, pairOf.bob);
    const next = pairOf.alice.send().header;
    expect(next).toMatchObject({ epoch: 2, n: 0, pn: 15 });
    const receive = (changes: Partial<SparseHeader>) =>
      sparseReceiveKey(crypto, pairOf.bob.state, { ...next, ...changes });
    expect(codeOf(() => receive({ pn: 14 }))).toBe('RATCHET_MALFORMED');
    expect(codeOf(() => receive({ pn: 1016 }))).toBe('RATCHET_TOO_MANY_SKIPPED');
    expect(codeOf(() => receive({ n: 1001 }))).toBe('RATCHET_TOO_MANY_SKIPPED');
    const { keys } = receive({ pn: 17, n: 1 });
    expect(keys.stored.map(({ key, n }) => [key.join(''), n])).toEqual([
      ['0001', 15],
      ['0001', 16],
      ['0002', 0],
    ]);
    // The chain is over: what it didn't say was sent doesn't exist.
    pairOf.bob.receive(next);
    expect(codeOf(() => pairOf.bob.receive({ ...next, epoch: 1, n: 15, pn: 0 }))).toBe('RATCHET_DUPLICATE');
  });

  it('keys age: deleted once so many messages have come after they were stored', () => {
    const { alice, bob } = sparsePair();
    const limits = { maxSkippedPerChain: 10, maxStoredKeys: 10, maxKeyAge: 3 };
    alice.send();
    let { state } = bob;
    const deleted: number[] = [];
    for (let message = 0; message < 5; message++) {
      const received = sparseReceiveKey(crypto, state, alice.send().header, { limits });
      state = received.next;
      deleted.push(received.keys.deleted.length);
    }
    expect(deleted).toEqual([0, 0, 1, 0, 0]);
    expect(state.skipped).toEqual([]);
  });

  it('a key that is given up to make room is told apart from a new one of the same number in another epoch', () => {
    const { alice, bob } = sparsePair();
    const limits = { maxSkippedPerChain: 10, maxStoredKeys: 1, maxKeyAge: 99 };
    alice.send();
    for (let round = 0; round < 15; round++) roundTrip(alice, bob);
    expect(bob.keys.size).toBe(1);
    alice.send();
    const { header } = alice.send();
    expect(header).toMatchObject({ epoch: 2, n: 1, pn: 16 });
    const { keys } = sparseReceiveKey(crypto, bob.state, header, { limits });
    const [one, two] = [1, 2].map((epoch) => ({ key: Uint8Array.of(0, 0, 0, epoch), n: 0 }));
    expect(keys.stored).toMatchObject([two]);
    expect(keys.deleted).toEqual([one]);
  });

  it('an epoch beyond the next one is refused even when the next chain is known', () => {
    const { alice, bob } = sparsePair();
    for (let round = 0; round < 15; round++) roundTrip(alice, bob);
    const next = alice.send().header;
    expect(bob.state.nextReceiving).toBeDefined();
    expect(codeOf(() => sparseReceiveKey(crypto, bob.state, { ...next, epoch: 3 }))).toBe(
      'RATCHET_MALFORMED',
    );
    expect(codeOf(() => sparseReceiveKey(crypto, bob.state, next))).toBe('no error');
  });

  it('refusals say why', () => {
    const errorOf = (run: () => unknown) => {
      try {
        run();
      } catch (error) {
        return error as SottoError;
      }
      return undefined;
    };
    const of = (changes: Partial<SparseHeader>, state = bob.state) =>
      errorOf(() => sparseReceiveKey(crypto, state, { ...header, ...changes }))?.details;
    expect(of({ epoch: 0 })).toEqual({ reason: 'epoch out of range' });
    expect(of({ part: chunk(0, 1) })).toEqual({ reason: 'chunk of another length' });
    expect(of({ epoch: 2 })).toEqual({ reason: 'impossible epoch' });
    const { next } = sparseReceiveKey(crypto, bob.state, { ...header, n: 5 });
    expect(of({ n: 3 }, next)).toEqual({ n: 3 }); // its key was not passed
    expect(of({ n: 5 }, next)).toEqual({ n: 5 });
    expect(of({ n: 1007 }, next)).toEqual({ limit: 1000, requested: 1001 });
    expect(errorOf(() => startSparse(crypto, 'initiator', new Uint8Array(31)))?.details).toEqual({
      what: 'secret',
      expected: 32,
      actual: 31,
    });
  });

  it('an epoch without numbers left is at its end', () => {
    const { alice } = sparsePair();
    const sending = { ...alice.state.sending, n: 2 ** 32 - 1 };
    const state = new SparseState({ ...alice.state, sending });
    expect(codeOf(() => sparseSendKey(crypto, state))).toBe('RATCHET_EXHAUSTED');
    const last = new SparseState({ ...alice.state, sending: { ...sending, n: 2 ** 32 - 2 } });
    expect(sparseSendKey(crypto, last).header.n).toBe(2 ** 32 - 2);
  });

  it('a secret of another length is refused', () => {
    for (const length of [0, 31, 33]) {
      expect(codeOf(() => startSparse(crypto, 'initiator', new Uint8Array(length)))).toBe('INVALID_LENGTH');
    }
  });
});
