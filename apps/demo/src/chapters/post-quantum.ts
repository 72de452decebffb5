import { encodeUtf8 } from '@sotto/core';
import type { Chapter } from '../chapter.js';
import type { Device } from '../device.js';
import { befriend } from '../stage.js';
import { viewWire } from '../wire-view.js';

export const postQuantum: Chapter = {
  name: 'post-quantum',
  title: 'For a future with quantum computers',
  async play(stage) {
    const alice = await stage.postQuantumDevice('Alice');
    const bob = await stage.postQuantumDevice('Bob');
    const carol = await stage.device('Carol');
    await befriend(alice, bob);
    await befriend(alice, carol);

    stage.tell(
      'Whoever records messages today may open them once there is a quantum computer. Two devices that both can also agree on keys with ML-KEM, which is made to withstand one.',
    );
    await stage.deliver(alice, bob, 'Hello from the past.');
    await stage.deliver(bob, alice, 'Hello to the future.');
    await alice.messenger.send(bob.key, encodeUtf8('Still there?'));
    await stage.settled();
    const [message] = bob.inbox;
    await stage.expectRead(bob, ['Still there?']);
    stage.check('Their messages are protected by both kinds of keys', message?.protection === 'pq');
    stage.check('Bob sees that only the session told him who wrote', message?.sealedSender === true);
    const { kind, key, number } = lastSent(alice);
    stage.check(
      'On the wire, the ratchet key and the number of a message are encrypted, and nothing names its sender',
      kind === 'sealed' && key === '' && number === '',
    );

    stage.tell("Carol's client is an older one. Alice talks to her as clients have always done.");
    await stage.deliver(alice, carol, 'And you?');
    await stage.deliver(carol, alice, 'As ever.');
    stage.check('Old and new clients understand each other', lastSent(carol).kind === 'ratchet');

    stage.tell('Bob goes back to such a client. An attacker may want to look like that, so Alice is told.');
    let withdrawn = 0;
    alice.messenger.on('postQuantumWithdrawn', () => {
      withdrawn++;
    });
    await bob.switchOff();
    bob.postQuantum = false;
    await bob.switchOn();
    await bob.messenger.send(alice.key, encodeUtf8('I have an old phone again.'));
    await stage.settled();
    await stage.expectRead(alice, ['I have an old phone again.']);
    stage.check('She is told once, and they go on without it', withdrawn === 1);
  },
};

function lastSent(device: Device): ReturnType<typeof viewWire> {
  return viewWire(device.tap.sent.at(-1)?.payload ?? new Uint8Array());
}
