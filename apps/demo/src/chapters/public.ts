import { encodeUtf8 } from '@sotto/core';
import type { Chapter } from '../chapter.js';

export const publicChat: Chapter = {
  name: 'public',
  title: 'A public room',
  async play(stage) {
    const alice = await stage.device('Alice');
    const bob = await stage.device('Bob');
    const mallory = await stage.device('Mallory');

    stage.tell('Whoever knows the name of a public room can read in it, Mallory too.');
    for (const device of [alice, bob, mallory]) await device.messenger.chats.join('sailing');
    await alice.messenger.send({ kind: 'public', name: 'sailing' }, encodeUtf8('Does anyone sell a phone?'));
    await stage.settled();
    const [message] = bob.inbox;
    stage.check(
      'It is signed: everyone sees that Alice wrote it',
      message !== undefined && alice.is(message.sender),
    );
    stage.check('It is marked as what it is: readable by everyone', message?.protection === 'public');
    await stage.expectRead(bob, ['Does anyone sell a phone?']);
    await stage.expectRead(mallory, ['Does anyone sell a phone?']);
  },
};
