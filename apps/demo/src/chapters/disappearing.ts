import { decodeUtf8 } from '@sotto/core';
import type { Chapter } from '../chapter.js';
import type { Device } from '../device.js';
import { befriend } from '../stage.js';

const SECRET = 'The key is under the mat.';

export const disappearing: Chapter = {
  name: 'disappearing',
  title: 'A message that does not stay',
  async play(stage) {
    const alice = await stage.deviceWithHistory('Alice', 'plain');
    const bob = await stage.deviceWithHistory('Bob', 'plain');
    await befriend(alice, bob);
    await stage.settled();
    const toBob = { kind: 'direct', peer: bob.key } as const;
    const toAlice = { kind: 'direct', peer: alice.key } as const;

    stage.tell(
      'Alice lets messages disappear a second after they are read. Bob is told, and did not have to agree.',
    );
    await alice.conversations.setDisappearing(toBob, 1);
    await stage.settled();
    const isSet = () => bob.conversations.get(toAlice)?.disappearing === 1;
    stage.check('Bob has the setting', await stage.soon(isSet));
    await alice.conversations.send(toBob, SECRET);
    await stage.settled();
    const hasCome = async () => (await textsOf(bob, toAlice)).includes(SECRET);
    stage.check('Bob has the message', await stage.soon(hasCome));
    stage.check('It is in his store', (await keepsIn(bob)).includes(SECRET));

    stage.tell('A second after it was sent it is gone from the phone of Alice; Bob has not looked yet.');
    stage.check('Gone with Alice', await stage.soon(async () => !(await keepsIn(alice)).includes(SECRET)));
    stage.check('Still there with Bob', await hasCome());
    await bob.conversations.markRead(toAlice);
    const isGone = async () => !(await keepsIn(bob)).includes(SECRET);
    stage.check('He reads it, and a second later his store has no trace of it', await stage.soon(isGone));

    stage.tell('A phone that is off lets go before it shows anything:');
    await alice.conversations.send(toBob, SECRET);
    await stage.settled();
    stage.count('It has come', await stage.soon(hasCome));
    await bob.conversations.markRead(toAlice);
    await bob.switchOff();
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    await bob.switchOn();
    stage.check('After a night in a drawer', !(await textsOf(bob, toAlice)).includes(SECRET));

    stage.tell('Bob could have photographed it, or run other software:');
    await bob.conversations.setDisappearing(toAlice, undefined);
    await stage.settled();
    const hasEnded = () => alice.conversations.get(toBob)?.disappearing === undefined;
    stage.limit('Either side ends it for both', await stage.soon(hasEnded));
  },
};

async function textsOf(device: Device, conversation: Parameters<Device['conversations']['entries']>[0]) {
  const entries = await device.conversations.entries(conversation);
  return entries.flatMap((entry) =>
    entry.kind === 'message' && entry.content.kind === 'text' ? [entry.content.text] : [],
  );
}

/** The texts in the records of a device's history. */
async function keepsIn(device: Device): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { value } of device.openedStore.list('app/conversations/entry/')) {
    const { message } = JSON.parse(decodeUtf8(value)) as { message?: { payload: string } };
    if (message !== undefined) found.push(Buffer.from(message.payload, 'base64').toString());
  }
  return found.map((text) => (text.includes(SECRET) ? SECRET : text));
}
