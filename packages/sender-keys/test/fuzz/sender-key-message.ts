import { compareBytes } from '@sotto/core';
import { demand, type FuzzTarget } from '@sotto/testing/fuzz';
import { decodeMessage, encodeMessage } from '../../src/index.js';
import { Listener, Speaker } from '../party.js';

const alice = new Speaker();
const bob = new Listener(alice.key());
const genuine = ['', 'hello', 'x'.repeat(300)].map((text) => alice.say(text));

export default {
  about: 'messages under sender keys',
  *seeds() {
    yield* genuine;
  },
  run(data) {
    const { state } = bob;
    demand(compareBytes(encodeMessage(decodeMessage(data)), data) === 0, 'Two encodings of one message.');
    const isGenuine = genuine.some((one) => compareBytes(one, data) === 0);
    try {
      bob.hear(data);
      demand(isGenuine, 'A message was read that nobody sent.');
      bob.state = state;
    } catch (error) {
      demand(bob.state === state, 'A refused message changed the state.');
      throw error;
    }
  },
} satisfies FuzzTarget;
