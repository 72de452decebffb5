import { describe, expect, it } from 'vitest';
import { TripleRatchetState, tryHeader } from '../src/index.js';
import { bytesOf, codeOf, crypto, exchange, NotOfThisSession, type Party, pair, textOf } from './party.js';

/*
 * A thief takes a copy of everything that one party has, and from then on sees every message. Passively: it runs the copy beside the
 * party, with the messages that the party receives, as far as that goes.
 */

/** What the copy reads of a message to its owner; `undefined` when it can't. */
function overhear(copy: Party, message: Uint8Array): string | undefined {
  try {
    return textOf(copy.receive(message));
  } catch (error) {
    if (error instanceof NotOfThisSession || (error instanceof Error && 'code' in error)) return undefined;
    throw error;
  }
}

describe('who takes a state of bob', () => {
  it('reads what alice sends under the keys that are in it', () => {
    const { alice, bob } = pair();
    exchange(alice, bob);
    const thief = bob.copy();
    const message = alice.send(bytesOf('to the thief too'));
    expect(textOf(bob.receive(message))).toBe('to the thief too');
    expect(overhear(thief, message)).toBe('to the thief too');
  });

  it('reads nothing of what was sent before', () => {
    const { alice, bob } = pair();
    const early = alice.send(bytesOf('early'));
    bob.receive(early);
    expect(overhear(bob.copy(), early)).toBeUndefined();
    exchange(alice, bob);
    expect(overhear(bob.copy(), early)).toBeUndefined();
  });

  it('is out after a step of the DH ratchet that it has not seen the secrets of', () => {
    const { alice, bob } = pair();
    exchange(alice, bob);
    const thief = bob.copy();
    exchange(alice, bob); // bob has drawn a key of his own now
    const message = alice.send(bytesOf('private again'));
    expect(overhear(thief, message)).toBeUndefined();
    expect(textOf(bob.receive(message))).toBe('private again');
  });
});

/** The thief with a quantum computer: it knows all X25519 private keys, and so the whole DH ratchet of bob at any time, with its header keys. */
describe('who takes a state of bob and breaks X25519', () => {
  /** The epochs that pass until the thief fails, when the copy is taken in the given epoch after so many rounds. */
  function epochsUntilHealed(rounds: number): number {
    const { alice, bob } = pair();
    for (let round = 0; round < rounds; round++) exchange(alice, bob);
    const thief = bob.copy();
    const taken = bob.state.sparse.epoch;
    for (let round = 0; round < 200; round++) {
      const message = alice.send(bytesOf(`secret ${round}`));
      if (!followsWithDhOf(thief, bob, message)) return alice.state.sparse.epoch - taken;
      bob.receive(message);
      alice.receive(bob.send(bytesOf('ack')));
    }
    throw new Error('the thief is never out');
  }

  it('reads on after any number of DH ratchet steps within the epoch', () => {
    const { alice, bob } = pair();
    exchange(alice, bob);
    const thief = bob.copy();
    for (let round = 0; round < 5; round++) {
      const message = alice.send(bytesOf('not yet'));
      expect(followsWithDhOf(thief, bob, message)).toBe(true);
      bob.receive(message);
      alice.receive(bob.send(bytesOf('ack')));
    }
  });

  it.each([0, 5, 10, 15, 20, 25, 30, 35, 40, 47])(
    'is out at the latest two exchanges later: taken after %i rounds',
    (rounds) => {
      const epochs = epochsUntilHealed(rounds);
      expect(epochs).toBeGreaterThanOrEqual(1);
      expect(epochs).toBeLessThanOrEqual(2);
    },
  );
});

/** Whether the thief, given all of bob's DH ratchet and header keys at this time, reads the message with its own post-quantum ratchet. */
function followsWithDhOf(thief: Party, bob: Party, message: Uint8Array): boolean {
  const { ratchet, headerKeys } = bob.state;
  thief.state = new TripleRatchetState({ ...thief.state, ratchet, headerKeys });
  for (const [name, key] of bob.keys) if (key.key.length === 32) thief.keys.set(name, key);
  expect(tryHeader(crypto, thief.state, message)).toBeDefined();
  return overhear(thief, message) !== undefined;
}

it('a state that is put back is detected by the peer only as messages that were read already', () => {
  const { alice, bob } = pair();
  exchange(alice, bob);
  const old = alice.copy();
  const first = alice.send(bytesOf('first'));
  bob.receive(first);
  // The old state sends under the same keys: what both sides keep of it is refused.
  expect(codeOf(() => bob.receive(old.send(bytesOf('again'))))).not.toBe('no error');
  expect(textOf(bob.receive(alice.send(bytesOf('second'))))).toBe('second');
});
