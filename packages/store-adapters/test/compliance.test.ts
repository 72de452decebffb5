import { join } from 'node:path';
import { type StoreCasesOptions, type StoreFixture, storeCases } from '@sotto/compliance/store';
import type { Store } from '@sotto/core';
import { temporaryDirectory } from '@sotto/testing/files';
import { repetitions } from '@sotto/testing/long';
import { randomBytes } from '@sotto/testing/random';
import { MemoryLevel } from 'memory-level';
import { describe, it } from 'vitest';
import { createEncryptedStore, ENCRYPTED_VALUE_MAX_BYTES } from '../src/encrypted.js';
import { createLevelStore } from '../src/level.js';
import { createLevelDbStore } from '../src/leveldb.js';
import { createMemoryStore } from '../src/memory.js';
import { createSqliteStore } from '../src/sqlite.js';
import { sqlites } from './sqlites.js';

interface Adapter extends StoreCasesOptions {
  readonly name: string;
  createFixture(): StoreFixture | Promise<StoreFixture>;
}

const adapters: readonly Adapter[] = [
  {
    name: 'memory',
    durable: false,
    createFixture: () => ({ open: async () => createMemoryStore() }),
  },
  {
    name: 'level on memory-level',
    exclusive: false,
    createFixture() {
      const database = new MemoryLevel();
      return { open: () => createLevelStore({ database }) };
    },
  },
  {
    name: 'leveldb',
    async createFixture() {
      const path = join(temporaryDirectory(), 'store');
      return { open: () => createLevelDbStore({ path }) };
    },
  },
  {
    name: 'leveldb, faster',
    records: 10_000,
    async createFixture() {
      const path = join(temporaryDirectory(), 'store');
      return { open: () => createLevelDbStore({ path, durability: 'process-crash' }) };
    },
  },
  ...sqlites.map(
    ({ name, openDatabase }): Adapter => ({
      name: `sqlite, ${name}`,
      async createFixture() {
        const path = join(temporaryDirectory(), 'store.sqlite');
        return { open: () => createSqliteStore({ path, openDatabase }) };
      },
    }),
  ),
  {
    name: 'encrypted, on memory',
    durable: false,
    records: 10_000,
    maxValueBytes: ENCRYPTED_VALUE_MAX_BYTES,
    createFixture: () => ({ open: async () => encrypted(createMemoryStore()) }),
  },
  {
    name: 'encrypted, on leveldb',
    records: 2000,
    maxValueBytes: ENCRYPTED_VALUE_MAX_BYTES,
    async createFixture() {
      const path = join(temporaryDirectory(), 'store');
      return { open: async () => encrypted(await createLevelDbStore({ path })) };
    },
  },
  {
    name: 'encrypted, on sqlite',
    records: 2000,
    maxValueBytes: ENCRYPTED_VALUE_MAX_BYTES,
    async createFixture() {
      const path = join(temporaryDirectory(), 'store.sqlite');
      return { open: async () => encrypted(await createSqliteStore({ path })) };
    },
  },
];

function encrypted(store: Store): Promise<Store> {
  const passphraseCost = { memoryKiB: 8, passes: 1 };
  return createEncryptedStore({ store, passphrase: 'correct horse', randomBytes, passphraseCost });
}

describe.each(adapters)('$name', ({ createFixture, records = repetitions(10_000, 100_000), ...rest }) => {
  it.each(storeCases({ records, ...rest }))('$name', async ({ run }) => run(await createFixture()), 300_000);
});
