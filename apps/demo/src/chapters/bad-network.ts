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

    stage.tell('Bob is out of reach. The network loses "four", and brings the rest shuffled and twice.');
    stage.network.setConditions({ duplication: 1 });
    bob.outOfReach();
    for (const text of TEXTS) {
      alice.tap.catching = text === LOST;
      await alice.messenger.send(bob.key, encodeUtf8(text));
      await alice.messenger.flushed();
    }
    const lost = alice.tap.sent.at(TEXTS.indexOf(LOST) - TEXTS.length);
    const before = bob.tap.arrived.length;
    stage.network.setConditions({ duplication: 0, reordering: 1 });
    bob.inReach();
    await stage.settled();
    stage.network.setConditions({ reordering: 0 });

    const order = bob.tap.arrived.slice(before).map(({ payload }) => Number(viewWire(payload).number));
    stage.show(`arrived as no. ${order.join(', ')}`);
    const others = TEXTS.filter((text) => text !== LOST);
    await stage.expectRead(bob, others, 'Bob reads the seven that came, each of them once');
    await stage.deliver(alice, bob, 'Did you get them all?');

    stage.tell('The key of the lost one is kept, in case it comes after all. There it is:');
    const connection = await stage.network.carrier().open({ onEnvelope: () => {} });
    if (lost !== undefined) await connection.publish(lost.topic, lost.envelope);
    await stage.settled();
    await connection.close();
    await stage.expectRead(bob, [LOST]);
  },
};
