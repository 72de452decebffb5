import { encodeHex, encodeUtf8 } from '@sotto/core';
import type { Chapter } from '../chapter.js';
import type { Device } from '../device.js';
import { befriend, DETAIL_COLUMN, type Stage } from '../stage.js';

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

    stage.tell('Alice makes a group. No server knows of it: its changes are signed messages.');
    const created = await alice.messenger.groups.create('Dinner', [bob.key, carol.key, dave.key]);
    const { id } = created.group;
    await stage.settled();
    stage.check('All four have the same group "Dinner"', await agree(four, id, four));

    await say(stage, bob, id, 'I bring the cheese.', [alice, carol, dave]);

    stage.tell('Only who made it, or was made its administrator, may change the group:');
    await stage.expectRefused('Carol wants to remove Bob', 'NOT_PERMITTED', () =>
      carol.messenger.groups.remove(id, [bob.key]),
    );
    await alice.messenger.groups.remove(id, [dave.key]);
    await stage.settled();
    const three = [alice, bob, carol];
    stage.check('Alice removes Dave: the three who are left agree on it', await agree(three, id, three));
    await say(stage, alice, id, 'Dave hates cheese.', [bob, carol]);
    stage.check('Nothing of it comes to Dave', dave.inbox.length === 0);
    await stage.expectRefused('Dave wants to write to the group', 'NOT_PERMITTED', () =>
      dave.messenger.send({ kind: 'group', groupId: id }, encodeUtf8('Hello?')),
    );
  },
};

/** Someone writes to the group, and these read it: once, and nothing else. */
async function say(
  stage: Stage,
  from: Device,
  groupId: string,
  text: string,
  readers: readonly Device[],
): Promise<void> {
  await from.messenger.send({ kind: 'group', groupId }, encodeUtf8(text));
  await stage.settled();
  const read = await Promise.all(readers.map((reader) => reader.read()));
  const names = readers.map(({ name }) => name).join(', ');
  const line = `${from.name} → the group: "${text}"`;
  stage.check(
    `${line.padEnd(DETAIL_COLUMN)}read by ${names}`,
    read.every((texts) => texts.join('\n') === text),
  );
}

/** Whether all of them see these members, in the same state of the group. */
async function agree(devices: readonly Device[], groupId: string, members: readonly Device[]) {
  const seen = await Promise.all(devices.map((device) => device.messenger.groups.get(groupId)));
  const names = (keys: readonly Uint8Array[]) => keys.map(encodeHex).toSorted().join();
  return (
    new Set(seen.map(({ membershipHash }) => membershipHash)).size === 1 &&
    seen.every((one) => names(one.members) === names(members.map(({ key }) => key)))
  );
}
