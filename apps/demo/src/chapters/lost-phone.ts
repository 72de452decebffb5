import { compareBytes, encodeUtf8 } from '@sotto/core';
import { accountFromMnemonic, createMnemonic, parseMnemonic } from '@sotto/identity';
import { decodeContactCode } from '@sotto/protocol-codec';
import type { Chapter } from '../chapter.js';
import type { Device } from '../device.js';
import { befriend, type Stage } from '../stage.js';

export const lostPhone: Chapter = {
  name: 'lost-phone',
  title: 'A lost phone',
  async play(stage) {
    const { crypto } = stage;
    const mnemonic = createMnemonic(crypto);
    const { identity } = accountFromMnemonic(crypto, mnemonic);
    const paper = mnemonic.words.join(' ');
    const phone = await stage.device("Alice's phone", identity);
    const laptop = await stage.device("Alice's laptop", identity);
    const bob = await stage.device('Bob');
    await befriend(phone, bob);
    await pair(stage, phone, laptop);
    await stage.deliver(phone, bob, 'I am going sailing.');
    await laptop.read();
    const lost = phone.messenger.installationId;

    stage.tell('Her phone falls into a lake. The laptop still gets what Bob writes:');
    await phone.switchOff();
    await stage.deliver(bob, laptop, 'Hold on to your phone.');
    await laptop.messenger.devices.disable(lost);
    const { ownDevices } = await laptop.messenger.send(bob.key, encodeUtf8('Too late.'));
    await stage.settled();
    await bob.read();
    stage.check('She ends its pairing: what she sends is not copied to it', ownDevices.length === 0);
    const { signedPreKeys } = decodeContactCode(await laptop.messenger.contacts.ownCode());
    stage.check('Her contact code no longer names it', signedPreKeys.size === 1 && !signedPreKeys.has(lost));

    stage.tell(`On a new phone she types her twelve words: ${mnemonic.words.slice(0, 3).join(' ')} …`);
    const typed = accountFromMnemonic(crypto, parseMnemonic(paper.toUpperCase())).identity;
    const same = compareBytes(typed.publicKey, identity.publicKey) === 0;
    stage.check('It is the same key, and so, to Bob, the same Alice', same);
    const renewed = await stage.device("Alice's new phone", typed);
    await stage.settled();
    const saysNothing = renewed.refused.length === 0;
    stage.check('What Bob wrote before is on the laptop, and the new phone says nothing of it', saysNothing);

    stage.tell('The new phone has made itself known. What Bob writes from now on comes:');
    const { devices } = await bob.messenger.send(identity.publicKey, encodeUtf8('Can you read me?'));
    await stage.settled();
    await stage.expectRead(renewed, ['Can you read me?']);
    const forRenewed = devices.find(
      ({ installationId }) => installationId === renewed.messenger.installationId,
    );
    const began = forRenewed !== undefined && 'sent' in forRenewed && forRenewed.sent === 'x3dh+dr';
    stage.check('It is a new session; the keys of the lost phone have no part in it', began);

    const back = [...(await renewed.messenger.contacts.list()), ...(await renewed.messenger.groups.list())];
    stage.limit('Contacts, groups and old messages are not in twelve words', back.length === 0);
    const stillSealed = devices.some(({ installationId }) => installationId === lost);
    stage.limit('Bob still seals for the lost phone, too: no one can tell him not to', stillSealed);
    stage.tell('So if others can unlock the lost phone, Alice needs a new account.');
  },
};

async function pair(stage: Stage, one: Device, other: Device): Promise<void> {
  await one.messenger.devices.announce();
  await other.messenger.devices.announce();
  await stage.settled();
  await one.messenger.devices.enable(other.messenger.installationId);
  await other.messenger.devices.enable(one.messenger.installationId);
}
