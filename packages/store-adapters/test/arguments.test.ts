/** What plain JavaScript hands in: told by its name, before anything is opened or changed. */
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import type { Store } from '@sotto/core';
import { temporaryDirectory } from '@sotto/testing/files';
import { randomBytes } from '@sotto/testing/random';
import { describe, expect, it } from 'vitest';
import { createEncryptedStore } from '../src/encrypted.js';
import { createEngineStore } from '../src/engine.js';
import { createFileAnchor } from '../src/file-anchor.node.js';
import { createIndexedDbStore } from '../src/indexeddb.js';
import { createLevelStore } from '../src/level.js';
import { createLevelDbStore } from '../src/leveldb.js';
import { createMemoryStore } from '../src/memory.js';
import { openPostgresDatabase } from '../src/postgres.js';
import { createSqliteStore } from '../src/sqlite.js';
import { MemoryEngine } from './memory-engine.js';

type Call = (given: never) => unknown;
const refused = (what: string) => ({ name: 'SottoError', code: 'INVALID_ARGUMENT', details: { what } });

/** Where nothing may be made. */
const path = join(tmpdir(), `sotto-store-refused-${process.pid}`);
const store = createMemoryStore();
const passphrase = 'correct horse';
/** Where nobody answers. */
const connection = 'postgres://127.0.0.1:1/nowhere';

describe('a wrong argument is refused by name', () => {
  it.each<[string, string, Call, unknown]>([
    ['createLevelDbStore', 'options', createLevelDbStore, undefined],
    ['createLevelDbStore', 'options', createLevelDbStore, path],
    ['createLevelDbStore', 'path', createLevelDbStore, {}],
    ['createLevelDbStore', 'path', createLevelDbStore, { path: '' }],
    ['createLevelDbStore', 'durability', createLevelDbStore, { path, durability: 'none' }],
    ['createLevelDbStore', 'anchor', createLevelDbStore, { path, anchor: path }],
    ['createLevelDbStore', 'compactAfter', createLevelDbStore, { path, compactAfter: '1' }],
    ['createSqliteStore', 'options', createSqliteStore, null],
    ['createSqliteStore', 'path', createSqliteStore, { path: 5 }],
    ['createSqliteStore', 'durability', createSqliteStore, { path, durability: true }],
    ['createSqliteStore', 'openDatabase', createSqliteStore, { path, openDatabase: {} }],
    ['createIndexedDbStore', 'options', createIndexedDbStore, undefined],
    ['createIndexedDbStore', 'name', createIndexedDbStore, {}],
    ['createIndexedDbStore', 'whenLocked', createIndexedDbStore, { name: 'a', whenLocked: 'steal' }],
    ['createIndexedDbStore', 'durability', createIndexedDbStore, { name: 'a', durability: 'none' }],
    ['openPostgresDatabase', 'options', openPostgresDatabase, undefined],
    ['openPostgresDatabase', 'connection', openPostgresDatabase, {}],
    ['openPostgresDatabase', 'maxConnections', openPostgresDatabase, { connection, maxConnections: 0 }],
    ['openPostgresDatabase', 'maxConnections', openPostgresDatabase, { connection, maxConnections: 101 }],
    ['openPostgresDatabase', 'leaseMs', openPostgresDatabase, { connection, leaseMs: 499 }],
    ['openPostgresDatabase', 'leaseMs', openPostgresDatabase, { connection, leaseMs: '3000' }],
    ['openPostgresDatabase', 'commitTimeoutMs', openPostgresDatabase, { connection, commitTimeoutMs: 0 }],
    ['openPostgresDatabase', 'clock', openPostgresDatabase, { connection, clock: {} }],
    ['createLevelStore', 'options', createLevelStore, undefined],
    ['createLevelStore', 'database', createLevelStore, {}],
    ['createLevelStore', 'database', createLevelStore, { database: Promise.resolve({}) }],
    ['createEngineStore', 'engine', createEngineStore, undefined],
    ['createEngineStore', 'engine', createEngineStore, Promise.resolve(new MemoryEngine())],
    ['createEncryptedStore', 'options', createEncryptedStore, undefined],
    ['createEncryptedStore', 'store', createEncryptedStore, { passphrase, randomBytes }],
    [
      'createEncryptedStore',
      'store',
      createEncryptedStore,
      { store: Promise.resolve(store), passphrase, randomBytes },
    ],
    ['createEncryptedStore', 'passphrase', createEncryptedStore, { store, randomBytes }],
    ['createEncryptedStore', 'passphrase', createEncryptedStore, { store, randomBytes, passphrase: '   ' }],
    ['createEncryptedStore', 'randomBytes', createEncryptedStore, { store, passphrase }],
    [
      'createEncryptedStore',
      'passphraseCost',
      createEncryptedStore,
      { store, passphrase, randomBytes, passphraseCost: 5 },
    ],
    ['createFileAnchor', 'path', createFileAnchor, undefined],
  ])('%s: %s', async (_, what, call, given) => {
    await expect((async () => call(given as never))()).rejects.toMatchObject(refused(what));
  });

  it('says of a promise that it was not awaited', async () => {
    const forgotten = createLevelDbStore({ path: join(temporaryDirectory(), 'store') });
    await expect(
      createEncryptedStore({ store: forgotten as unknown as Store, passphrase, randomBytes }),
    ).rejects.toMatchObject({ details: { what: 'store', reason: expect.stringContaining('await') } });
    await (await forgotten).close();
  });

  it('makes nothing on the disk', () => {
    expect(existsSync(path)).toBe(false);
  });

  it.each([
    ['memory', () => Promise.resolve(createMemoryStore())],
    ['engine', () => createEngineStore(new MemoryEngine())],
    [
      'encrypted',
      () =>
        createEncryptedStore({
          store: createMemoryStore(),
          passphrase,
          randomBytes,
          passphraseCost: { memoryKiB: 8, passes: 1 },
        }),
    ],
  ])('writes and options of a store: %s', async (_, open: () => Promise<Store>) => {
    const opened = await open();
    for (const writes of [undefined, null, {}, 'put', [null], ['put'], [undefined]]) {
      await expect(opened.commit(writes as never)).rejects.toMatchObject(refused('writes'));
    }
    for (const options of [null, 5]) {
      const listing = (async () => {
        for await (const _entry of opened.list('', options as never));
      })();
      await expect(listing).rejects.toMatchObject(refused('options'));
    }
    await expect(opened.get(undefined as never)).rejects.toMatchObject(refused('key'));
    await opened.close();
  });
});

it.each([
  'postgres://bots:hunter2@127.0.0.1:1/nowhere',
  'postgres://bots:hunter2@127.0.0.1:port/nowhere',
  'postgres://bots:hunter2@[::1/nowhere',
  { host: '127.0.0.1', port: 1, password: 'hunter2' },
])(
  'an address of PostgreSQL where nobody answers, or that cannot be read: an error with a code, and without the password',
  async (address) => {
    const error: unknown = await openPostgresDatabase({ connection: address }).catch(
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(inspect(error, { depth: null, showHidden: true })).not.toContain('hunter2');
  },
);
