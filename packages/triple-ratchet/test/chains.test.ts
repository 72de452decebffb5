import { SottoError } from '@sotto/core';
import { describe, expect, it } from 'vitest';
import {
  DEFAULT_TRIPLE_LIMITS,
  decrypt,
  listSkippedKeys,
  numberInChain,
  type ReceivedChain,
  receivedChains,
  type TripleRatchetLimits,
  tryHeader,
  withoutSkippedKeys,
} from '../src/index.js';
import { bytesOf, codeOf, crypto, exchange, type Party, pair, textOf } from './party.js';
import { expectKeysAsListed } from './session-model.js';

const headerOf = (party: Party, message: Uint8Array) => {
  const opened = tryHeader(crypto, party.state, message);
  if (opened === undefined) throw new Error('not opened');
  return opened;
};
const errorOf = (run: () => unknown): SottoError => {
  try {
    run();
  } catch (error) {
    if (error instanceof SottoError) return error;
  }
  throw new Error('no SottoError');
};

describe("the peer's chains of which messages can be read", () => {
  it('are at first the one that the responder begins with, and for the responder none', () => {
    const { alice, bob } = pair();
    expect(receivedChains(bob.state)).toEqual([]);
    const [only, ...more] = receivedChains(alice.state) as [ReceivedChain, ...ReceivedChain[]];
    expect(more).toEqual([]);
    const message = bob.send(bytesOf('welcome'));
    expect(headerOf(alice, message).header.ratchet.key).toEqual(only.ratchetKey);
    expect(numberInChain(crypto, only, message)).toBe(0);
  });

  it('are the current one, then those before of which some are missing, the oldest first', () => {
    const { alice, bob } = pair();
    const missing: Uint8Array[] = [];
    for (let round = 0; round < 3; round++) {
      missing.push(alice.send(bytesOf(`missing ${round}`)));
      exchange(alice, bob);
    }
    exchange(alice, bob);
    const current = alice.send(bytesOf('current'));
    bob.receive(current);
    const chains = receivedChains(bob.state);
    const keys = [current, ...missing].map((message) => headerOf(bob, message).header.ratchet.key);
    expect(chains.map(({ ratchetKey }) => ratchetKey)).toEqual(keys);
    // Each message has its number in its own chain, and none in any other.
    for (const [at, message] of [current, ...missing].entries()) {
      const { n } = headerOf(bob, message).header.ratchet;
      expect(chains.map((chain) => numberInChain(crypto, chain, message))).toEqual(
        chains.map((_, index) => (index === at ? n : undefined)),
      );
    }
    for (const message of missing) bob.receive(message);
    expect(receivedChains(bob.state)).toEqual([chains[0]]);
  });

  it('number their messages as they were sent, whether these were read or not', () => {
    const { alice, bob } = pair();
    const messages = Array.from({ length: 5 }, (_, at) => alice.send(bytesOf(`${at}`)));
    bob.receive(messages[3] as Uint8Array);
    const [chain] = receivedChains(bob.state) as [ReceivedChain];
    expect(messages.map((message) => numberInChain(crypto, chain, message))).toEqual([0, 1, 2, 3, 4]);
  });

  it('are known by both keys: that of the header alone is used again by a peer that went back to an old copy', () => {
    const { alice, bob } = pair();
    const message = alice.send(bytesOf('x'));
    bob.receive(message);
    const [chain] = receivedChains(bob.state) as [ReceivedChain];
    const { publicKey } = crypto.x25519.generateKeyPair();
    expect(numberInChain(crypto, { ...chain, ratchetKey: publicKey }, message)).toBeUndefined();
    expect(numberInChain(crypto, { ...chain, headerKey: crypto.randomBytes(32) }, message)).toBeUndefined();
    expect(codeOf(() => numberInChain(crypto, chain, message.subarray(0, 20)))).toBe('RATCHET_MALFORMED');
  });
});

describe('keys that were kept', () => {
  it('are found among all that the caller has, in any order', () => {
    const { alice, bob } = pair();
    const missing = [0, 1, 2].map((at) => alice.send(bytesOf(`missing ${at}`)));
    exchange(alice, bob);
    const again = [3, 4].map((at) => alice.send(bytesOf(`missing ${at}`)));
    exchange(alice, bob);
    const skippedKeys = [...bob.keys.values()];
    for (const keys of [skippedKeys, skippedKeys.toReversed()]) {
      for (const [at, message] of [...missing, ...again].entries()) {
        const { plaintext } = decrypt(crypto, bob.state, headerOf(bob, message), { skippedKeys: keys });
        expect(textOf(plaintext)).toBe(`missing ${at}`);
      }
    }
  });

  it('are asked for by name when the caller passes none', () => {
    const { alice, bob } = pair();
    const missing = alice.send(bytesOf('missing'));
    exchange(alice, bob);
    const opened = headerOf(bob, missing);
    expect(errorOf(() => decrypt(crypto, bob.state, opened))).toMatchObject({
      code: 'RATCHET_KEY_MISSING',
      details: { n: 0 },
    });
  });

  it('of a chain whose header key is not kept when it ends are deleted, or never stored', () => {
    const limits: TripleRatchetLimits = { ...DEFAULT_TRIPLE_LIMITS, maxEarlierHeaderKeys: 0 };
    const { alice, bob } = pair(limits);
    alice.send(bytesOf('missing, known when the next one comes'));
    bob.receive(alice.send(bytesOf('1')));
    alice.send(bytesOf('missing, known when the chain has ended'));
    expect(bob.keys.size).toBe(2);
    alice.receive(bob.send(bytesOf('turn')));
    // Party refuses to delete what it never stored.
    bob.receive(alice.send(bytesOf('of the next chain')));
    expectKeysAsListed(bob);
    expect([...listSkippedKeys(bob.state)].map(({ key }) => key.length)).toEqual([4, 4]);
    expect(bob.state.headerKeys.earlier).toEqual([]);
  });

  it('can be given up for one ratchet alone: those of the DH ratchet with the header key of their chain', () => {
    const { alice, bob } = pair();
    alice.send(bytesOf('missing'));
    exchange(alice, bob);
    exchange(alice, bob);
    const ids = [...listSkippedKeys(bob.state)];
    expect(ids.map(({ key }) => key.length)).toEqual([32, 4]);
    const without = withoutSkippedKeys(bob.state, ids.slice(0, 1));
    expect([...listSkippedKeys(without)]).toEqual(ids.slice(1));
    expect(without.headerKeys.earlier).toEqual([]);
    expect(bob.state.headerKeys.earlier.length).toBe(1);
    // However many header keys are kept: the limit is for messages that come in.
    const many = pair();
    for (let chain = 0; chain < 16; chain++) {
      many.alice.send(bytesOf('missing'));
      exchange(many.alice, many.bob);
    }
    exchange(many.alice, many.bob);
    const all = [...listSkippedKeys(many.bob.state)];
    const fewer = withoutSkippedKeys(many.bob.state, [all[0]!]);
    expect(fewer.headerKeys.earlier).toEqual(many.bob.state.headerKeys.earlier.slice(1));
  });
});

describe('refusals say why', () => {
  it('a message that was read, by its number', () => {
    const { alice, bob } = pair();
    alice.send(bytesOf('missing'));
    const message = alice.send(bytesOf('once'));
    bob.receive(message);
    const opened = headerOf(bob, message);
    expect(errorOf(() => bob.receive(message))).toMatchObject({
      code: 'RATCHET_DUPLICATE',
      details: { n: 1 },
    });
    const header = { ...opened.header, ratchet: { ...opened.header.ratchet, key: crypto.randomBytes(32) } };
    const gone = { ...opened, header, chain: 'earlier' as const };
    expect(errorOf(() => decrypt(crypto, bob.state, gone))).toMatchObject({
      code: 'RATCHET_DUPLICATE',
      details: { n: 1 },
    });
    expect(errorOf(() => decrypt(crypto, bob.state, { ...opened, chain: 'next' }))).toMatchObject({
      code: 'RATCHET_MALFORMED',
      details: { reason: 'header of the next chain with the ratchet key of another' },
    });
  });

  it('bytes that are too few, by what the header claims', () => {
    const { alice, bob } = pair();
    const message = alice.send(bytesOf(''));
    const [length = 0] = message;
    const shortest = message.subarray(0, 1 + length + 48);
    expect(codeOf(() => tryHeader(crypto, bob.state, shortest))).toBe('no error');
    // Room for a nonce and a tag is the least that somebody could have sealed.
    expect(tryHeader(crypto, bob.state, Uint8Array.of(28, ...new Uint8Array(99)))).toBeUndefined();
    for (const short of [
      shortest.subarray(0, -1),
      new Uint8Array(0),
      Uint8Array.of(27, ...new Uint8Array(99)),
    ])
      expect(errorOf(() => tryHeader(crypto, bob.state, short))).toMatchObject({
        code: 'RATCHET_MALFORMED',
        details: { reason: `${short.length} bytes, of which the header claims ${short[0] ?? 0}` },
      });
  });
});
