import { encodeHex, encodeUtf8 } from '@sotto/core';
import type { Chapter } from '../chapter.js';
import type { Device } from '../device.js';
import { befriend } from '../stage.js';

export const group: Chapter = {
  name: 'group',
  title: 'A group of four',
  async play(stage) {
    const alice = await stage.device('Alice');
    const bob = await stage.device('Bob');
    const carol = await stage.device('Carol');
    const dave = await stage.device('Dave');
    const four = [alice, bob, carol, dave];
    await befriend(...four);

    stage.tell('Alice makes a group. No server knows of it: each change is a signed message.');
    const created = await alice.messenger.createGroup('Dinner', [bob.key, carol.key, dave.key]);
    const { id } = created.group;
    await stage.settled();
    stage.check('All four have the same group "Dinner"', await agree(four, id, four));

    await bob.messenger.sendToGroup(id, encodeUtf8('I bring the cheese.'));
    await stage.settled();
    for (const device of [alice, carol, dave]) await stage.expectRead(device, ['I bring the cheese.']);

    stage.tell('Who may do what is checked by every member, and not only by who wants to do it.');
    await stage.expectRefused('Carol, no administrator, removes Bob', 'NOT_PERMITTED', () =>
      carol.messenger.removeMembers(id, [bob.key]),
    );
    await alice.messenger.removeMembers(id, [dave.key]);
    await stage.settled();
    const three = [alice, bob, carol];
    stage.check('Alice removes Dave: the other three agree on who is left', await agree(three, id, three));
    await alice.messenger.sendToGroup(id, encodeUtf8('Dave hates cheese.'));
    await stage.settled();
    for (const device of [bob, carol]) await stage.expectRead(device, ['Dave hates cheese.']);
    stage.check('Nothing of it comes to Dave', dave.inbox.length === 0);
    await stage.expectRefused('Dave writes to the group', 'NOT_PERMITTED', () =>
      dave.messenger.sendToGroup(id, encodeUtf8('Hello?')),
    );
  },
};

/** Whether all of them see these members, in the same state of the group. */
async function agree(devices: readonly Device[], groupId: string, members: readonly Device[]) {
  const seen = await Promise.all(devices.map((device) => device.messenger.group(groupId)));
  const names = (keys: readonly Uint8Array[]) => keys.map(encodeHex).toSorted().join();
  return (
    new Set(seen.map(({ membership }) => membership)).size === 1 &&
    seen.every((one) => names(one.members) === names(members.map(({ key }) => key)))
  );
}
