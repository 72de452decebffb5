import { createConversations } from '@sotto/conversations';
import type { KeyPair, Store } from '@sotto/core';
import { handOverAccount, pairDevice, receiveAccount } from '@sotto/device-linking';
import { createMessenger } from '@sotto/messenger';
import { createMemoryStore } from '@sotto/store-adapters/memory';
import { createMemoryNetwork } from '@sotto/whisper-transport/memory';
import { expect, it, vi } from 'vitest';
import { createDeviceSync } from '../src/index.js';
import { newIdentity } from './devices.js';

it('a device that was just linked agrees with the old one, and neither sends more than digests for that', async () => {
  const network = createMemoryNetwork();
  const open = async (identity: KeyPair, store: Store) => {
    const messenger = await createMessenger({ identity, store, transport: network.transport() });
    const conversations = await createConversations({ messenger, store });
    const hidden = vi.spyOn(conversations, 'sendHidden');
    const sync = await createDeviceSync({ messenger, conversations, store });
    await messenger.start();
    const close = async () => {
      await sync.close();
      await conversations.close();
      await messenger.close();
    };
    return { messenger, conversations, sync, hidden, close };
  };
  const identity = newIdentity();
  const [ann, ben] = [newIdentity().publicKey, newIdentity().publicKey];
  const store = createMemoryStore();
  const phone = await open(identity, store);
  await phone.conversations.addContact(ann, 'Ann');
  await phone.conversations.setVerified(ann, true);
  await phone.conversations.block(ben);
  await phone.sync.flush();

  let show: (code: string) => void = () => {};
  const code = new Promise<string>((resolve) => {
    show = resolve;
  });
  const laptopStore = createMemoryStore();
  const receiving = receiveAccount({
    linkStore: createMemoryStore(),
    accountStore: laptopStore,
    transport: network.transport(),
    deviceName: 'laptop',
    onCode: (text) => show(text),
    confirm: () => true,
  });
  const linking = handOverAccount({
    linkStore: createMemoryStore(),
    account: { store, identity, installationId: phone.messenger.installationId },
    transport: network.transport(),
    deviceName: 'phone',
    code: await code,
    confirm: () => true,
  });
  const received = await receiving;
  const laptop = await open(received.identity, laptopStore);
  await received.finish(laptop.messenger.installationId);
  expect(laptop.conversations.person(ann)).toMatchObject({ name: 'Ann', verified: true });
  expect(laptop.conversations.person(ben)).toMatchObject({ blocked: true });

  const { installationId } = await linking;
  const paired = [
    pairDevice(phone.messenger, installationId),
    pairDevice(laptop.messenger, received.oldInstallationId),
  ];
  await laptop.messenger.devices.announce();
  await phone.messenger.devices.announce();
  await Promise.all(paired);
  for (let round = 0; round < 6; round++) {
    for (const { sync, messenger } of [phone, laptop]) {
      await sync.flush();
      await messenger.flushed();
    }
    await network.idle();
  }
  const largest = [phone, laptop].flatMap(({ hidden }) =>
    hidden.mock.calls.map(([, message]) => (message.kind === 'sync' ? message.content.length : 0)),
  );
  // A digest has 520 bytes; what both have already isn't sent again.
  expect(Math.max(...largest)).toBeLessThan(600);

  await laptop.conversations.addContact(ann, 'Anna');
  await laptop.sync.flush();
  await vi.waitFor(() => expect(phone.conversations.person(ann).name).toBe('Anna'));
  await laptop.close();
  await phone.close();
});
