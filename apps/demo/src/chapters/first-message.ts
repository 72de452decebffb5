import { encodeHex, encodeUtf8 } from '@sotto/core';
import type { Chapter } from '../chapter.js';

export const firstMessage: Chapter = {
  name: 'first-message',
  title: 'A first message to someone who is away',
  async play(stage) {
    const alice = await stage.device('Alice');
    const bob = await stage.device('Bob');
    await alice.messenger.contacts.add(await bob.messenger.contacts.ownCode());
    await bob.switchOff();

    stage.tell(
      "Bob's phone is off, and has never heard of Alice. What he has published is enough for her to make a secret that only he can make as well (X3DH).",
    );
    const text = 'Dinner at eight?';
    const { devices } = await alice.messenger.send(bob.key, encodeUtf8(text));
    await stage.settled();
    const began = devices.some((device) => 'sent' in device && device.sent === 'x3dh+dr');
    stage.check(`Alice writes "${text}" and begins a session with him`, began);
    const envelope = alice.tap.sent[0]?.envelope ?? new Uint8Array();
    const readable = encodeHex(envelope).includes(encodeHex(encodeUtf8(text)));
    stage.check(
      `The network keeps ${envelope.length} bytes for Bob, and cannot read them`,
      envelope.length > 0 && !readable,
    );

    stage.tell('Hours later Bob switches his phone on.');
    await bob.switchOn();
    await stage.settled();
    const [message] = bob.inbox;
    await stage.expectRead(bob, [text]);
    stage.check('It came in a session, whose keys change from now on', message?.protection === 'dr');
    await stage.deliver(bob, alice, 'With pleasure.');
  },
};
