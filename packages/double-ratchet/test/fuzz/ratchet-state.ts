import { compareBytes } from '@sotto/core';
import { demand, type FuzzTarget } from '@sotto/testing/fuzz';
import { decodeState, encodeState } from '../../src/index.js';
import { pair } from '../party.js';

export default {
  about: 'states of the ratchet from a store',
  *seeds() {
    const { alice, bob } = pair();
    yield encodeState(alice.state);
    for (let i = 0; i < 3; i++) {
      const messages = [
        alice.send(Uint8Array.of(1)),
        alice.send(Uint8Array.of(2)),
        alice.send(Uint8Array.of(3)),
      ];
      bob.receive(messages[2] as (typeof messages)[number]);
      yield encodeState(bob.state);
      alice.receive(bob.send(Uint8Array.of(4)));
      yield encodeState(alice.state);
    }
  },
  run(data) {
    const encoded = encodeState(decodeState(data));
    const again = encodeState(decodeState(encoded));
    demand(compareBytes(encoded, again) === 0, 'What was decoded and encoded changes when it is once more.');
  },
} satisfies FuzzTarget;
