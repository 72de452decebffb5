import { createMessenger } from '@sotto/messenger';
import { exportBackup, restoreBackup } from '@sotto/messenger/backup';
import { manualClock } from '@sotto/testing/clock';
import { createMemoryNetwork, type MemoryNetwork } from '@sotto/whisper-transport/memory';
import { describe, expect, it } from 'vitest';
import { createConversations } from '../src/index.js';
import { direct, keptStore, lineOf, linesOf, newParty, type Party, quiet } from './party.js';

const PASSPHRASE = 'a passphrase for backups';
const lobby = { kind: 'public', name: 'lobby' } as const;

/** Moves someone to a new device by a backup. What is said meanwhile is said to the old one. */
async function moved(network: MemoryNetwork, old: Party, meanwhile: () => Promise<void>): Promise<Party> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of exportBackup({
    store: old.kept.store,
    identity: old.identity,
    passphrase: PASSPHRASE,
    cost: { memoryKiB: 8, passes: 1 },
  }))
    chunks.push(chunk);
  await meanwhile();
  await old.stop();
  const kept = keptStore();
  const read = (async function* () {
    yield* chunks;
  })();
  const { identity } = await restoreBackup(read, { store: kept.store, passphrase: PASSPHRASE });
  const messenger = await createMessenger({
    identity,
    store: kept.view(),
    transport: network.transport(),
    clock: old.clock,
    installationId: 'alice-2',
  });
  const conversations = await createConversations({ messenger, store: kept.view(), clock: old.clock });
  await messenger.start();
  return { ...old, kept, messenger, conversations };
}

describe('after restoring a backup on a new device', () => {
  it('own public messages are our own, once; what others said is there, once', async () => {
    const clock = manualClock();
    const network = createMemoryNetwork({ clock });
    const [alice, bob] = [await newParty(network, 'alice-1'), await newParty(network, 'bob-1')];
    for (const { conversations } of [alice, bob]) await conversations.open(lobby);
    await alice.conversations.send(lobby, 'hello from me');
    await bob.conversations.send(lobby, 'hello from Bob');
    await quiet(network, alice, bob);
    const phone = await moved(network, alice, async () => {
      await alice.conversations.send(lobby, 'after the backup');
      await quiet(network, alice, bob);
    });
    await quiet(network, phone, bob);
    const lines = (await phone.conversations.entries(lobby)).map(lineOf);
    expect(lines.toSorted()).toEqual([
      '< hello from Bob received public',
      '> after the backup received public',
      '> hello from me sent public',
    ]);
    expect(phone.conversations.get(lobby)?.unread).toBe(1);
  });

  it('nothing is said of messages that are older than the device, nor of devices that were known', async () => {
    const clock = manualClock();
    const network = createMemoryNetwork({ clock });
    const [alice, bob] = [await newParty(network, 'alice-1'), await newParty(network, 'bob-1')];
    for (const { clock: own } of [alice, bob]) own.advance(0);
    await alice.conversations.addContact(await bob.messenger.contacts.ownCode(), 'Bob');
    await alice.conversations.send(direct(bob.identity), 'hello');
    await quiet(network, alice, bob);
    await bob.conversations.send(direct(alice.identity), 'hi');
    await quiet(network, alice, bob);
    const phone = await moved(network, alice, async () => {
      for (const text of ['one', 'two']) await bob.conversations.send(direct(alice.identity), text);
      await quiet(network, alice, bob);
      for (const each of [clock, alice.clock, bob.clock]) each.advance(3_600_000);
    });
    await quiet(network, phone, bob);
    expect(await linesOf(phone, bob)).toEqual(['> hello sent pq', '< hi received pq']);
    await bob.conversations.send(direct(alice.identity), 'to the phone');
    await quiet(network, phone, bob);
    expect(await linesOf(phone, bob)).toEqual([
      '> hello sent pq',
      '< hi received pq',
      '< to the phone received pq',
    ]);
  });
});

describe('a device of someone else', () => {
  it('is told when it is one among others, and not at first contact, by whatever way that comes', async () => {
    const network = createMemoryNetwork({ clock: manualClock() });
    const [alice, bob] = [await newParty(network, 'alice-1'), await newParty(network, 'bob-1')];
    // By key alone: the first devices come with the answer.
    await alice.conversations.addContact(bob.identity.publicKey, 'Bob');
    await alice.conversations.open(direct(bob.identity));
    await alice.conversations.send(direct(bob.identity), 'hello');
    await quiet(network, alice, bob);
    await bob.conversations.send(direct(alice.identity), 'hi');
    await quiet(network, alice, bob);
    for (const [one, other] of [
      [alice, bob],
      [bob, alice],
    ] as const)
      expect(await linesOf(one, other)).not.toContain('! new-device');
    const laptop = await newParty(network, 'bob-2', { identity: bob.identity });
    await laptop.conversations.addContact(await alice.messenger.contacts.ownCode(), 'Alice');
    await laptop.conversations.send(direct(alice.identity), 'from the laptop');
    await quiet(network, alice, bob, laptop);
    await laptop.conversations.send(direct(alice.identity), 'and again');
    await quiet(network, alice, bob, laptop);
    const notices = (await linesOf(alice, bob)).filter((line) => line.startsWith('!'));
    expect(notices).toEqual(['! new-device']);
  });
});
