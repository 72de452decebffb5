import type { Chapter } from '../chapter.js';
import { befriend } from '../stage.js';

export const delivered: Chapter = {
  name: 'delivered',
  title: 'Sent, delivered, read',
  async play(stage) {
    const alice = await stage.deviceWithHistory('Alice', 'status');
    const bob = await stage.deviceWithHistory('Bob', 'status');
    await befriend(alice, bob);
    await stage.settled();
    const toBob = { kind: 'direct', peer: bob.key } as const;
    const toAlice = { kind: 'direct', peer: alice.key } as const;
    const state = async () => {
      const last = alice.conversations.get(toBob)?.lastMessage;
      return last?.state;
    };
    const becomes = (wanted: string) => stage.soon(async () => (await state()) === wanted);

    stage.tell("Bob's phone is off. Alice writes: that the network has it doesn't mean that Bob does.");
    await bob.switchOff();
    await alice.conversations.send(toBob, 'Are you awake?');
    await stage.settled();
    stage.check('The message is sent, and no more', (await state()) === 'sent');

    stage.tell('He switches it on: it acknowledges the message, in the session of the two.');
    await bob.switchOn();
    await stage.settled();
    stage.check('The message is delivered', await becomes('delivered'));

    stage.tell("Whether somebody has read something is nobody's business, until both say so:");
    stage.count('It has come', await stage.soon(() => bob.conversations.get(toAlice)?.unread === 1));
    await bob.conversations.markRead(toAlice);
    await stage.settled();
    stage.check('Bob reads it, and nobody is told', (await state()) === 'delivered');
    await alice.conversations.setReadReceipts(true);
    await bob.conversations.setReadReceipts(true);
    await alice.conversations.send(toBob, 'Now?');
    await stage.settled();
    stage.count('It has come', await stage.soon(() => bob.conversations.get(toAlice)?.unread === 1));
    await bob.conversations.markRead(toAlice);
    await stage.settled();
    stage.check('With read receipts on both sides, the next one is read', await becomes('read'));
  },
};
