import { compareBytes, encodeUtf8 } from '@sotto/core';
import { handOverAccount, pairDevice, receiveAccount } from '@sotto/device-linking';
import { createMemoryStore } from '@sotto/store-adapters/memory';
import type { Chapter } from '../chapter.js';
import { showQr } from '../qr-screen.js';
import { befriend } from '../stage.js';

export const linkedDevice: Chapter = {
  name: 'linked-device',
  title: 'A new laptop reads everything, by a code',
  async play(stage) {
    const phone = await stage.device("Alice's phone");
    const bob = await stage.device('Bob');
    await befriend(phone, bob);
    await phone.messenger.contacts.setVerified(bob.key, true);
    const { group } = await phone.messenger.groups.create('Sailing', [bob.key]);
    await stage.settled();
    await stage.deliver(phone, bob, 'Ahoy!');
    await phone.switchOff();
    const phoneStore = await phone.openStore();
    // What an application keeps beside it: texts, and pictures.
    const pictures = Array.from({ length: 6 }, (_, i) => ({
      type: 'put' as const,
      key: `app/pictures/${i}`,
      value: stage.crypto.randomBytes(50_000),
    }));
    await phoneStore.commit([{ type: 'put', key: 'app/history/1', value: encodeUtf8('Ahoy!') }, ...pictures]);
    await phoneStore.close();
    await phone.switchOn();

    stage.tell('The laptop shows a code. The phone reads it, and each asks Alice once.');
    const transport = phone.tap.over(stage.network.carrier());
    const laptop = stage.unpack("Alice's laptop", phone.identity);
    const accountStore = await laptop.openStore();
    let show: (code: string) => void = () => {};
    const shown = new Promise<string>((resolve) => {
      show = resolve;
    });
    let pieces = 0;
    const receiving = receiveAccount({
      linkStore: createMemoryStore(),
      accountStore,
      transport,
      deviceName: 'laptop',
      onCode: (code) => show(code),
      onProgress: () => {
        pieces++;
      },
      confirm: ({ identity }) => compareBytes(identity, phone.key) === 0,
    });
    const code = await shown;
    showQr(stage, code);
    const account = {
      store: phone.openedStore,
      identity: phone.identity,
      installationId: phone.messenger.installationId,
    };
    const handingOver = handOverAccount({
      linkStore: createMemoryStore(),
      account,
      transport,
      deviceName: 'phone',
      code,
      confirm: ({ name }) => name === 'laptop',
    });
    const received = await receiving;
    stage.check(`The account arrives in ${pieces} sealed piece${pieces === 1 ? '' : 's'}`, pieces > 0);
    const history = await accountStore.get('app/history/1');
    const picture = await accountStore.get('app/pictures/5');
    stage.check('With texts and pictures', history?.value.length === 5 && picture?.value.length === 50_000);
    await accountStore.close();
    await laptop.switchOn();
    await received.finish(laptop.messenger.installationId);
    const linked = await handingOver;
    stage.check(
      'Both know which device it is',
      linked.installationId === laptop.messenger.installationId && linked.name === 'laptop',
    );
    const [contact] = await laptop.messenger.contacts.list();
    stage.check('Bob is there, and is verified', contact?.verified === true);
    stage.check('The group is there', (await laptop.messenger.groups.get(group.id)).joined);

    const paired = [
      pairDevice(phone.messenger, linked.installationId, { name: 'laptop' }),
      pairDevice(laptop.messenger, received.oldInstallationId),
    ];
    await laptop.messenger.devices.announce();
    await phone.messenger.devices.announce();
    await Promise.all(paired);
    await stage.settled();
    await stage.deliver(laptop, bob, 'Written on the laptop.');
    await stage.expectRead(phone, ['Written on the laptop.'], 'The phone has it too');

    stage.tell('A picture of the code is of no use any more:');
    const { store } = account;
    const thief = handOverAccount({
      linkStore: createMemoryStore(),
      account: { ...account, store },
      transport,
      deviceName: 'thief',
      code,
      confirm: () => true,
      signal: AbortSignal.timeout(300),
    });
    await stage.expectRefused('Nobody answers to it', 'ABORTED', () => thief);
  },
};
