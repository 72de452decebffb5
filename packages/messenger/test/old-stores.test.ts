/**
 * Stores as released versions wrote them, kept from the first release on: every later version has to open them and go on.
 * Alice's is in LevelDB, Bob's in SQLite. What the stores themselves promise is tested in `@sotto/store-adapters`.
 *
 * `SOTTO_WRITE_FIXTURES=0.2 npx vitest run test/old-stores.test.ts` adds those of a new version. What a released version
 * wrote is never written again.
 */
import { cp, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Clock, decodeUtf8, encodeUtf8, type KeyPair, type Store, systemClock } from '@sotto/core';
import { createPortableProvider } from '@sotto/crypto';
import { createLevelDbStore } from '@sotto/store-adapters/leveldb';
import { createSqliteStore } from '@sotto/store-adapters/sqlite';
import { temporaryDirectory } from '@sotto/testing/files';
import { createMemoryNetwork } from '@sotto/whisper-transport/memory';
import { describe, expect, it } from 'vitest';
import {
  createMessenger,
  type Messenger,
  type ReceivedMessage,
  readAccount,
  writeAccount,
} from '../src/index.js';

const fixtures = fileURLToPath(new URL('fixtures', import.meta.url));
const crypto = createPortableProvider();
/** Runs as the system's, from a fixed date on: a store that is opened years later would begin new sessions. */
const began = systemClock.now();
const clock: Clock = {
  now: () => Date.UTC(2026, 10, 29, 12) + systemClock.now() - began,
  after: (milliseconds, run) => systemClock.after(milliseconds, run),
};
const openers = {
  'alice.leveldb': (path: string): Promise<Store> => createLevelDbStore({ path }),
  'bob.sqlite': (path: string): Promise<Store> => createSqliteStore({ path }),
};
type File = keyof typeof openers;

interface Party {
  readonly messenger: Messenger;
  readonly account: KeyPair;
  readonly received: ReceivedMessage[];
}

/** Opens a device on a store with its account, and starts it. */
async function open(store: Store, network: ReturnType<typeof createMemoryNetwork>): Promise<Party> {
  const account = await readAccount(store, crypto);
  if (account === undefined) throw new Error('the store has no account');
  const transport = network.transport();
  const messenger = await createMessenger({ identity: account, store, transport, crypto, clock });
  const received: ReceivedMessage[] = [];
  messenger.on('message', async (message) => {
    received.push(message);
    await message.acknowledge();
  });
  await messenger.start();
  return { messenger, account, received };
}

async function openBoth(folder: string) {
  const network = createMemoryNetwork();
  const [alice, bob] = await Promise.all(
    (Object.keys(openers) as File[]).map(async (file) =>
      open(await openers[file](join(folder, file)), network),
    ),
  );
  return { network, alice: alice as Party, bob: bob as Party };
}

/** A contact each way, a ratchet that both have used, and a group with a name. */
async function write(version: string): Promise<void> {
  const folder = join(fixtures, version);
  await mkdir(folder, { recursive: true });
  for (const [file, openStore] of Object.entries(openers)) {
    const store = await openStore(join(folder, file));
    await writeAccount(store, crypto.secp256k1.generateKeyPair(), crypto);
    await store.close();
  }
  const { network, alice, bob } = await openBoth(folder);
  const { identity } = await alice.messenger.contacts.add(await bob.messenger.contacts.ownCode());
  await alice.messenger.send(identity, encodeUtf8('hello'));
  await network.idle();
  await bob.messenger.send(alice.account.publicKey, encodeUtf8('hello yourself'));
  await network.idle();
  await alice.messenger.groups.create('Kept', [identity]);
  await network.idle();
  await alice.messenger.close();
  await bob.messenger.close();
  // Opened once more, so that LevelDB moves everything from its log, which isn't kept, to a table.
  const level = join(folder, 'alice.leveldb');
  await (await openers['alice.leveldb'](level)).close();
  for (const name of await readdir(level)) if (/^(LOG|LOCK)|[.]log$/.test(name)) await rm(join(level, name));
}

const wanted = process.env['SOTTO_WRITE_FIXTURES'];
if (wanted) await write(wanted);

describe.each(await readdir(fixtures))('stores of version %s', (version) => {
  it('open, with their contacts, sessions and groups, and go on', async () => {
    const folder = temporaryDirectory();
    await cp(join(fixtures, version), folder, { recursive: true });
    const { network, alice, bob } = await openBoth(folder);

    const contacts = await alice.messenger.contacts.list();
    expect(contacts.map(({ identity }) => identity)).toEqual([bob.account.publicKey]);
    for (const { messenger } of [alice, bob]) {
      expect((await messenger.groups.list()).map(({ name }) => name)).toEqual(['Kept']);
    }

    await bob.messenger.send(alice.account.publicKey, encodeUtf8('still there?'));
    await network.idle();
    await alice.messenger.send(bob.account.publicKey, encodeUtf8('still here'));
    await network.idle();
    const [group] = await alice.messenger.groups.list();
    await alice.messenger.send({ kind: 'group', groupId: group?.id ?? '' }, encodeUtf8('to all'));
    await network.idle();
    const texts = ({ received }: Party) =>
      received.map(({ payload, protection }) => `${decodeUtf8(payload)} ${protection}`);
    // The ratchet goes on: no new X3DH.
    expect(texts(alice)).toEqual(['still there? pq']);
    expect(texts(bob)).toEqual(['still here pq', 'to all pq']);

    await alice.messenger.close();
    await bob.messenger.close();
  });
});
