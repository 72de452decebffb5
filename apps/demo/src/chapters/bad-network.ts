import { encodeUtf8 } from '@sotto/core';
import type { Chapter } from '../chapter.js';
import { befriend } from '../stage.js';
import { viewWire } from '../wire-view.js';

const TEXTS = ['one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight'];
const LOST = 'four';

export const badNetwork: Chapter = {
  name: 'bad-network',
  title: 'A bad network',
  async play(stage) {
    const alice = await stage.device('Alice');
    const bob = await stage.device('Bob');
    await befriend(alice, bob);
    await stage.deliver(alice, bob, 'I count to eight.');
    await stage.deliver(bob, alice, 'I am in a tunnel.');

    stage.tell('The network loses "four", shuffles the others, and brings each of them twice:');
    stage.network.setConditions({ duplication: 1 });
    bob.disconnect();
    for (const text of TEXTS) {
      alice.tap.catching = text === LOST;
      await alice.messenger.send(bob.key, encodeUtf8(text));
      await alice.messenger.flushed();
    }
    const lost = alice.tap.sent.at(TEXTS.indexOf(LOST) - TEXTS.length);
    const before = bob.tap.arrived.length;
    stage.network.setConditions({ duplication: 0, reordering: 1 });
    bob.reconnect();
    await stage.settled();
    stage.network.setConditions({ reordering: 0 });

    const order = bob.tap.arrived.slice(before).map(({ payload }) => Number(viewWire(payload).number));
    stage.show(`arrived in the order ${order.map((no) => TEXTS[no]).join(', ')}`);
    const others = TEXTS.filter((text) => text !== LOST);
    await stage.expectRead(bob, others, 'Bob reads the seven that came, each of them once');
    await stage.deliver(alice, bob, 'Did you get all eight?');

    stage.tell('Its key is kept, in case it comes after all. And here it comes:');
    const connection = await stage.network.carrier().open({ onEnvelope: () => {} });
    if (lost !== undefined) await connection.publish(lost.topic, lost.envelope);
    await stage.settled();
    await connection.close();
    await stage.expectRead(bob, [LOST]);
  },
};
