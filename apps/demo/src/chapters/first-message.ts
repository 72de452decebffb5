import { encodeHex, encodeUtf8 } from '@sotto/core';
import type { Chapter } from '../chapter.js';

export const firstMessage: Chapter = {
  name: 'first-message',
  title: 'A first message to somebody who is not there',
  async play(stage) {
    const alice = await stage.device('Alice');
    const bob = await stage.device('Bob');
    await alice.messenger.addContact(await bob.messenger.contactCode(), 'Bob');
    await bob.switchOff();

    stage.tell("Bob's phone is off, and has never heard of Alice. The key that he published is enough");
    stage.tell('for her to agree with it on a secret, without him. The method is called X3DH.');
    const text = 'Dinner at eight?';
    const { devices } = await alice.messenger.send(bob.key, encodeUtf8(text));
    await stage.settled();
    const began = devices.some((device) => 'sent' in device && device.sent === 'x3dh+dr');
    stage.check(`Alice writes "${text}": it begins a session`, began);
    const [onTheWire] = alice.tap.sent;
    const plain = encodeHex(encodeUtf8(text));
    stage.check(
      `What the network keeps for Bob are ${onTheWire?.envelope.length} bytes that say nothing to it`,
      onTheWire !== undefined && !encodeHex(onTheWire.envelope).includes(plain),
    );

    stage.tell('Hours later Bob switches his phone on.');
    await bob.switchOn();
    await stage.settled();
    const [message] = bob.inbox;
    await stage.expectRead(bob, [text]);
    stage.check(
      'It has forward secrecy: read, its key is gone; who steals the phone later has nothing',
      message?.protection === 'dr',
    );
    await stage.deliver(bob, alice, 'With pleasure.');
  },
};
