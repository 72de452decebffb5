import { encodeUtf8 } from '@sotto/core';
import { exportBackup, restoreBackup } from '@sotto/messenger/backup';
import type { Chapter } from '../chapter.js';
import { befriend } from '../stage.js';

const passphrase = 'a lake is no safe';
/** Less work for each guess of the passphrase than the default, which takes a second or two. */
const cost = { memoryKiB: 8 * 1024, passes: 1 };

export const backup: Chapter = {
  name: 'backup',
  title: 'A lost phone, and a backup',
  async play(stage) {
    const { crypto } = stage;
    const phone = await stage.device("Alice's phone");
    const bob = await stage.device('Bob');
    await befriend(phone, bob);
    await phone.messenger.contacts.setVerified(bob.key, true);
    const { group } = await phone.messenger.groups.create('Sailing', [bob.key]);
    await stage.settled();
    await stage.deliver(phone, bob, 'Ahoy!');

    stage.tell('A backup has what the words have not. A passphrase opens it.');
    await phone.switchOff();
    const store = await phone.openStore();
    const chunks: Uint8Array[] = [];
    for await (const chunk of exportBackup({ store, identity: phone.identity, passphrase, cost })) {
      chunks.push(chunk);
    }
    await store.close();
    const size = chunks.reduce((sum, { length }) => sum + length, 0);
    stage.check(`Alice puts ${size} bytes in a safe place`, size > 0);

    stage.tell('This phone falls into the lake as well. The next one reads the backup:');
    const renewed = stage.unpack("Alice's new phone", phone.identity);
    const empty = await renewed.openStore();
    await stage.expectRefused('With a wrong passphrase', 'STORE_WRONG_PASSPHRASE', () =>
      restoreBackup(stream(chunks), { store: empty, passphrase: 'Ahoy!' }),
    );
    const restored = await restoreBackup(stream(chunks), { store: empty, passphrase });
    await empty.close();
    stage.check('Her key is back', crypto.equalBytes(restored.identity.publicKey, phone.key));
    await renewed.switchOn();
    await stage.settled();
    const [contact] = await renewed.messenger.contacts.list();
    stage.check(
      'Bob is back, and is verified',
      contact !== undefined && bob.is(contact.identity) && contact.verified,
    );
    stage.check('The group is back', (await renewed.messenger.groups.get(group.id)).joined);

    stage.tell('The keys of sessions are not in it: two phones must never use the same ones.');
    const { devices } = await renewed.messenger.send(bob.key, encodeUtf8('Ahoy again.'));
    await renewed.messenger.send({ kind: 'group', groupId: group.id }, encodeUtf8('Who has a boat?'));
    await stage.settled();
    const [began] = devices;
    stage.check(
      'So the new phone begins a new session',
      began !== undefined && 'sent' in began && began.sent === 'x3dh+dr',
    );
    await stage.expectRead(bob, ['Ahoy again.', 'Who has a boat?']);
  },
};

async function* stream(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void> {
  yield* chunks;
}
