import { cpSync, createReadStream, existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { encodeHex, encodeUtf8, type Store, systemClock } from '@sotto/core';
import { createMemoryStore } from '@sotto/store-adapters/memory';
import { bundlePath } from '@sotto/testing/bundle';
import { temporaryDirectory } from '@sotto/testing/files';
import { liveOnce } from '@sotto/testing/kills';
import { repetitions } from '@sotto/testing/long';
import { countRecords } from '@sotto/testing/stores';
import { createMemoryNetwork, type MemoryNetwork } from '@sotto/whisper-transport/memory';
import { describe, expect, it } from 'vitest';
import { restoreBackup } from '../../src/backup.js';
import {
  createMessenger,
  type Messenger,
  type MessengerOptions,
  readAccount,
  writeAccount,
} from '../../src/index.js';
import { crypto, dump, textOf } from '../world.js';
import { openStore } from './killable.js';

/** Kills in each role on each store; more with SOTTO_CRASH_KILLS, before a release. */
const KILLS = Number(process.env['SOTTO_CRASH_KILLS'] ?? repetitions(4, 8));
const CHILD = bundlePath(join(import.meta.dirname, '../..'), 'test/crash/roles.mjs');
const KINDS = ['leveldb', 'sqlite', 'encrypted leveldb', 'encrypted sqlite'] as const;
type Kind = (typeof KINDS)[number];
/** Of each role: about how many commits and how many milliseconds its work takes. Death comes within these. */
const ROLES = {
  administrator: { commits: 12, ms: 120 },
  'administrator by sender keys': { commits: 16, ms: 120 },
  'member by sender keys': { commits: 10, ms: 200 },
  migration: { commits: 12, ms: 120 },
  'backup written': { commits: 0, ms: 30 },
  'backup restored': { commits: 2, ms: 60 },
  compaction: { commits: 10, ms: 120 },
} as const;
type Role = keyof typeof ROLES;

interface Told {
  readonly said: string[];
  group?: { readonly id: string; readonly name: string; readonly members: readonly Uint8Array[] };
}

/** Lives of a process in a role, and what it told in all of them. */
class Lives {
  readonly told: Told = { said: [] };
  #from = 0;

  constructor(
    readonly role: Role,
    readonly kind: Kind,
    readonly network: MemoryNetwork = createMemoryNetwork(),
    readonly peers: readonly Uint8Array[] = [],
    readonly directory = temporaryDirectory(),
    /** Called when the work of a life begins, and when it has read something; ends its work when that is enough. */
    readonly isEnough: (life: number, heard: string | undefined) => boolean = () => false,
  ) {}

  /** One life, to the end or to a death at a random moment. @returns whether it lived to the end */
  async live(dies: boolean): Promise<boolean> {
    const { role, kind, directory } = this;
    const from = this.#from;
    this.#from += 10;
    return liveOnce({
      program: CHILD,
      argument: { role, kind, directory, peers: this.peers.map(encodeHex), from },
      death: dies ? ROLES[role] : undefined,
      network: this.network,
      onMessage: (message, child) => {
        const { type, text } = message as { readonly type: string; readonly text: string };
        if (type === 'said') this.told.said.push(text);
        else if (type === 'ready' || type === 'heard') {
          if (this.isEnough(from, text) && child.connected) child.send({ type: 'enough' }, () => {});
        } else if (type === 'group') this.told.group = message as unknown as NonNullable<Told['group']>;
      },
    });
  }

  /** Kills it over and over, looks at what is left after each death, and lets it live to the end in between and finally. */
  async killOver(look: () => Promise<void>): Promise<void> {
    let kills = 0;
    for (let life = 0; life < KILLS; life++) {
      if (!(await this.live(true))) kills++;
      await look();
    }
    expect(await this.live(false)).toBe(true);
    await look();
    process.stdout.write(`crash: ${kills} kills as ${this.role} on ${this.kind}\n`);
  }

  open(): Promise<Store> {
    return openStore(this.kind, this.directory);
  }
}

/** A messenger in this process, with what it was given. */
async function newPeer(
  network: MemoryNetwork,
  store: Store = createMemoryStore(),
  options: Partial<MessengerOptions> = {},
) {
  const identity = (await readAccount(store, crypto)) ?? crypto.secp256k1.generateKeyPair();
  const clock = systemClock;
  const messenger: Messenger = await createMessenger({
    identity,
    store,
    transport: network.transport(),
    crypto,
    clock,
    ...options,
  });
  const texts: string[] = [];
  messenger.on('message', async (message) => {
    texts.push(textOf(message.payload));
    await message.acknowledge();
  });
  await messenger.start();
  return { identity, messenger, texts };
}

/** Nothing lost, nothing twice: what was about to be sent when the process died may have been sent. */
function expectOnce(texts: readonly string[], said: readonly string[]): void {
  expect(new Set(texts).size).toBe(texts.length);
  expect(texts).toEqual(expect.arrayContaining([...said]));
}

/** Records of an application. */
const HISTORY = 200;
const identity = crypto.secp256k1.generateKeyPair();

/** Gives a store an account with something in it. */
async function fill(lives: Lives): Promise<void> {
  const store = await lives.open();
  await writeAccount(store, identity, crypto);
  await store.commit(
    Array.from({ length: HISTORY }, (_, i) => ({
      type: 'put' as const,
      key: `app/history/${i}`,
      value: new Uint8Array(2_000).fill(i),
    })),
  );
  await store.close();
}

async function contentOf(store: Store): Promise<string> {
  const content = await dump(store);
  await store.close();
  return content;
}

describe('killed over and over', () => {
  it.each([
    ...KINDS.map((kind) => ['administrator', kind] as const),
    ...(['leveldb', 'sqlite'] as const).map((kind) => ['administrator by sender keys', kind] as const),
  ])(
    'an %s: all agree on the group, and get each message once, on %s',
    async (role, kind) => {
      const network = createMemoryNetwork();
      const [bob, carol] = [await newPeer(network), await newPeer(network)];
      const lives = new Lives(role, kind, network, [bob.identity.publicKey, carol.identity.publicKey]);
      const store = await lives.open();
      await writeAccount(store, identity, crypto);
      await store.close();
      await lives.killOver(async () => {
        await network.idle();
        expect(new Set(bob.texts).size).toBe(bob.texts.length);
      });
      await network.idle();
      await bob.messenger.flushed();
      const { id = '', name, members } = lives.told.group ?? {};
      const groups = await bob.messenger.groups.list();
      const seen = groups.find((group) => group.id === id);
      expect(seen?.name).toBe(name);
      expect(seen?.members.map(encodeHex).toSorted()).toEqual(members?.map(encodeHex).toSorted());
      expect(groups.length).toBe(1);
      expectOnce(bob.texts, lives.told.said);
      await bob.messenger.close();
      await carol.messenger.close();
    },
    3_600_000,
  );

  it.each(KINDS)(
    'a member of a group with sender keys: gets each message once, whatever is replaced meanwhile, on %s',
    async (kind) => {
      const network = createMemoryNetwork();
      const limits = { senderKeysFrom: 1, senderKeyMessages: 4 };
      const [alice, carol] = [
        await newPeer(network, createMemoryStore(), { limits }),
        await newPeer(network, createMemoryStore(), { limits }),
      ];
      await alice.messenger.contacts.add(identity.publicKey);
      const { group } = await alice.messenger.groups.create('name', [identity.publicKey]);
      const said: string[] = [];
      let telling = Promise.resolve();
      const tell = async (life: number) => {
        for (let i = 0; i < 5; i++) {
          const text = i < 4 ? `say ${life + i}` : `last ${life}`;
          missing.add(text);
          said.push(text);
          await alice.messenger.send({ kind: 'group', groupId: group.id }, encodeUtf8(text));
        }
        const { members } = await alice.messenger.groups.get(group.id);
        const change = members.length === 2 ? 'add' : 'remove';
        await alice.messenger.groups[change](group.id, [carol.identity.publicKey]);
      };
      const missing = new Set<string>();
      const isLast = (life: number) => life === 10 * KILLS;
      const lives = new Lives('member by sender keys', kind, network, [], undefined, (life, text) => {
        if (text === undefined) telling = telling.then(() => tell(life));
        else missing.delete(text);
        return isLast(life) ? said.includes(`last ${life}`) && missing.size === 0 : text === `last ${life}`;
      });
      const store = await lives.open();
      await writeAccount(store, identity, crypto);
      await store.close();
      await lives
        .killOver(async () => {
          await telling;
        })
        .catch((cause) => {
          throw new Error(`Not read: ${[...missing].join(', ')}`, { cause });
        });
      const after = await lives.open();
      const heard: string[] = [];
      for await (const { value } of after.list('app/heard/')) heard.push(textOf(value));
      await after.close();
      expect(heard.toSorted()).toEqual(said.toSorted());
      await alice.messenger.close();
      await carol.messenger.close();
    },
    3_600_000,
  );

  it.each(['leveldb', 'sqlite'] as const)(
    'a store of an earlier version being opened and written on: the session goes on, on %s',
    async (kind) => {
      const network = createMemoryNetwork();
      const fixtures = join(import.meta.dirname, '../fixtures/0.1');
      const folders = { leveldb: temporaryDirectory(), sqlite: temporaryDirectory() };
      cpSync(join(fixtures, 'alice.leveldb'), join(folders.leveldb, 'level'), { recursive: true });
      cpSync(join(fixtures, 'bob.sqlite'), join(folders.sqlite, 'store.sqlite'));
      const other = kind === 'leveldb' ? 'sqlite' : 'leveldb';
      const peer = await newPeer(network, await openStore(other, folders[other]));
      const lives = new Lives('migration', kind, network, [peer.identity.publicKey], folders[kind]);
      await lives.killOver(async () => {
        await network.idle();
        expect(new Set(peer.texts).size).toBe(peer.texts.length);
      });
      await network.idle();
      expectOnce(peer.texts, lives.told.said);
      await peer.messenger.close();
    },
    3_600_000,
  );

  it.each(KINDS)(
    'a backup being written: the store is as before, and the file is whole, on %s',
    async (kind) => {
      const lives = new Lives('backup written', kind);
      await fill(lives);
      const before = await contentOf(await lives.open());
      const file = join(lives.directory, 'backup');
      await lives.killOver(async () => {
        expect(await contentOf(await lives.open())).toBe(before);
        if (!existsSync(file)) return;
        const store = createMemoryStore();
        const restored = await restoreBackup(createReadStream(file), {
          store,
          passphrase: 'correct horse',
          crypto,
        });
        expect(restored.identity.publicKey).toEqual(identity.publicKey);
        expect(await countRecords(store, 'app/history')).toBe(HISTORY);
        rmSync(file);
      });
    },
    3_600_000,
  );

  it.each(KINDS)(
    'a backup being restored: all of it or nothing, on %s',
    async (kind) => {
      const writer = new Lives('backup written', kind);
      await fill(writer);
      await writer.live(false);
      const lives = new Lives('backup restored', kind);
      cpSync(join(writer.directory, 'backup'), join(lives.directory, 'backup'));
      const restored = join(lives.directory, 'restored');
      mkdirSync(restored);
      let wholes = 0;
      await lives.killOver(async () => {
        const store = await openStore(kind, restored);
        const records = await countRecords(store, 'app/history');
        await store.close();
        expect([0, HISTORY]).toContain(records);
        if (records === 0) return;
        wholes++;
        rmSync(restored, { recursive: true });
        mkdirSync(restored);
      });
      expect(wholes).toBeGreaterThan(0);
    },
    3_600_000,
  );

  it.each(KINDS)(
    'a store being compacted: nothing that was committed is lost, on %s',
    async (kind) => {
      const lives = new Lives('compaction', kind);
      await fill(lives);
      await lives.killOver(async () => {
        const store = await lives.open();
        const keys = new Set<string>();
        for await (const { key } of store.list('app/')) keys.add(key);
        for (let i = 0; i < HISTORY; i++) expect(keys).toContain(`app/history/${i}`);
        for (const i of lives.told.said) expect(keys).toContain(`app/log/${i}`);
        const last = await store.get('app/last');
        if (last !== undefined) expect(keys).toContain(`app/log/${textOf(last.value)}`);
        await store.close();
      });
    },
    3_600_000,
  );
});
