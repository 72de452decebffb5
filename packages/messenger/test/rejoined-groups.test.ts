import { compareBytes, decodeHex, type KeyPair, type PublicKey } from '@sotto/core';
import { settableClock } from '@sotto/testing/clock';
import { createMemoryNetwork } from '@sotto/whisper-transport/memory';
import { expect, it } from 'vitest';
import { groupChannelName } from '../src/runtime/topics.js';
import { sizesOf } from './adversary.js';
import { newParty, type Party, quiet } from './party.js';
import { bytesOf, crypto, MINUTE, START } from './world.js';

const keysOf = (...parties: readonly { identity: KeyPair }[]) =>
  parties.map(({ identity }) => identity.publicKey);
const textsOf = (party: Party) => party.texts.map((text) => text.split(': ')[1]);

it('a group that was forgotten and joined again: nothing is left of it, nothing is read twice, and what is new at once', async () => {
  const clock = settableClock(START);
  const network = createMemoryNetwork({ clock, seed: 9 });
  const limits = { senderKeysFrom: 2 };
  const options = { clock, limits, postQuantum: false };
  const [alice, bob, carol] = [
    await newParty(network, 'alice', options),
    await newParty(network, 'bob', options),
    await newParty(network, 'carol', options),
  ];
  // Bob knows nobody: he is added by strangers.
  for (const [one, other] of [
    [alice, bob],
    [alice, carol],
    [carol, alice],
    [carol, bob],
  ] as const) {
    await one.messenger.contacts.add(await other.messenger.contacts.ownCode());
  }
  const settle = () => quiet(network, alice, bob, carol);
  await settle();
  const before = Object.keys(await sizesOf(bob));
  const { group } = await alice.messenger.groups.create('g', keysOf(bob, carol));
  await settle();
  const channel = { kind: 'public', name: groupChannelName(crypto, decodeHex(group.id)) } as const;
  const seen: { readonly sender: PublicKey; readonly payload: Uint8Array }[] = [];
  const ear = await network.transport().connect({
    identity: crypto.secp256k1.generateKeyPair(),
    onMessage: async ({ sender, payload }) => void seen.push({ sender, payload }),
  });
  await ear.subscribe([channel]);
  const say = async (party: Party, text: string) => {
    await party.messenger.send({ kind: 'group', groupId: group.id }, bytesOf(text));
    await settle();
  };
  await say(alice, 'one');
  await say(carol, 'two');
  await alice.messenger.groups.remove(group.id, keysOf(bob));
  await settle();
  await bob.messenger.groups.leave(group.id);
  const ofDevices = ['session', 'seen', 'seenindex', 'strangers', 'peer'];
  const left = Object.keys(await sizesOf(bob)).filter((name) => !ofDevices.includes(name));
  expect(left).toEqual(before.filter((name) => !ofDevices.includes(name)));
  expect(await bob.messenger.groups.list()).toEqual([]);

  await alice.messenger.groups.add(group.id, keysOf(bob));
  await settle();
  // Carol has not written meanwhile.
  await say(alice, 'three');
  await say(carol, 'four');
  expect(textsOf(bob)).toEqual(['one', 'two', 'three', 'four']);
  // Somebody puts what they wrote before into new envelopes.
  for (const { identity } of [alice, carol]) {
    const voice = await network.transport().connect({ identity, onMessage: async () => undefined });
    const said = seen.find(({ sender }) => compareBytes(sender, identity.publicKey) === 0);
    await voice.send(channel, said?.payload as Uint8Array);
  }
  await settle();
  expect((await sizesOf(bob))['waiting']?.count).toBe(2);
  for (let minutes = 0; minutes < 3; minutes++) {
    await clock.advanceAndRest(MINUTE);
    await settle();
  }
  expect(textsOf(bob)).toEqual(['one', 'two', 'three', 'four']);
  expect((await sizesOf(bob))['waiting']).toBeUndefined();
  expect(bob.events.decryptionFailed).toEqual([]);
});

it('added again: what came before the news of it, in the same run, waits for that', async () => {
  const clock = settableClock(START);
  const network = createMemoryNetwork({ clock, seed: 9 });
  const options = { clock, limits: { senderKeysFrom: 2 }, postQuantum: false };
  const held: (() => Promise<void>)[] = [];
  let holds = false;
  const { capabilities, connect } = network.transport();
  const late = {
    capabilities,
    connect: (given: Parameters<typeof connect>[0]) =>
      connect({
        ...given,
        onMessage: async (message) => {
          if (holds && message.channel.kind !== 'public') held.push(() => given.onMessage(message));
          else await given.onMessage(message);
        },
      }),
  };
  const alice = await newParty(network, 'alice', options);
  const bob = await newParty(network, 'bob', { ...options, transport: late });
  await alice.messenger.contacts.add(await bob.messenger.contacts.ownCode());
  await bob.messenger.contacts.add(await alice.messenger.contacts.ownCode());
  const settle = () => quiet(network, alice, bob);
  const { group } = await alice.messenger.groups.create('g', keysOf(bob));
  await settle();
  await alice.messenger.groups.remove(group.id, keysOf(bob));
  await settle();
  expect((await bob.messenger.groups.get(group.id)).joined).toBe(false);
  holds = true;
  await alice.messenger.groups.add(group.id, keysOf(bob));
  await alice.messenger.send({ kind: 'group', groupId: group.id }, bytesOf('welcome back'));
  await settle();
  holds = false;
  for (const deliver of held) await deliver();
  await settle();
  expect((await bob.messenger.groups.get(group.id)).joined).toBe(true);
  expect(textsOf(bob)).toEqual(['welcome back']);
});
