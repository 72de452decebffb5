import { encodeUtf8 } from '@sotto/core';
import type { Chapter } from '../chapter.js';
import { befriend } from '../stage.js';
import { viewWire } from '../wire-view.js';

export const restart: Chapter = {
  name: 'restart',
  title: 'A flat battery',
  async play(stage) {
    const alice = await stage.device('Alice');
    const bob = await stage.device('Bob');
    await befriend(alice, bob);
    await stage.deliver(alice, bob, 'I have something to tell you.');
    await stage.deliver(bob, alice, 'Go on.');

    stage.tell("Bob's phone dies before he reads what has come. Alice writes on.");
    await alice.messenger.send(bob.key, encodeUtf8('I found a key.'));
    await stage.settled();
    stage.check('The message waits for Bob', bob.inbox.length === 1);
    await bob.switchOff();
    await alice.messenger.send(bob.key, encodeUtf8('It fits nothing.'));
    await stage.settled();

    stage.tell('The phone is back, with nothing but what it had put on its disk.');
    await bob.switchOn();
    await stage.settled();
    await stage.expectRead(bob, ['I found a key.', 'It fits nothing.']);
    stage.check('What he had read before does not come again', bob.inbox.length === 0);
    await stage.deliver(bob, alice, 'Try the cellar.');
    const { kind } = viewWire(bob.tap.sent.at(-1)?.payload ?? new Uint8Array());
    stage.check('The session goes on where it was', kind === 'ratchet');
  },
};
