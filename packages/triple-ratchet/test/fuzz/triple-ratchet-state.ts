import { compareBytes } from '@sotto/core';
import { attempt, demand, type FuzzTarget } from '@sotto/testing/fuzz';
import { decodeState, encodeState } from '../../src/index.js';
import { bytesOf, exchange, Party, pair } from '../party.js';

export default {
  about: 'states of the Triple Ratchet from a store',
  *seeds() {
    const { alice, bob } = pair();
    for (let round = 0; round < 20; round++) {
      if (round % 5 === 2) alice.send(bytesOf('lost'));
      exchange(alice, bob);
      yield encodeState(alice.state);
      yield encodeState(bob.state);
    }
  },
  run(data) {
    const state = decodeState(data);
    const encoded = encodeState(state);
    demand(compareBytes(encoded, data) === 0, 'What was decoded is encoded in another way.');
    // Whatever it says, it can be worked with.
    attempt(() => new Party(state).send(bytesOf('text')));
  },
} satisfies FuzzTarget;
