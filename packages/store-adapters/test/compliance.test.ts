import { join } from 'node:path';
import { type StoreCasesOptions, type StorePlace, storeCases } from '@sotto/compliance/store';
import { MemoryLevel } from 'memory-level';
import { describe, it } from 'vitest';
import { createLevelStore } from '../src/level.js';
import { createLevelDbStore } from '../src/leveldb.js';
import { createMemoryStore } from '../src/memory.js';
import { createSqliteStore } from '../src/sqlite.js';
import { sqlites } from './sqlites.js';
import { temporaryDirectory } from './temporary-directory.js';

interface Adapter extends StoreCasesOptions {
  readonly name: string;
  createPlace(): StorePlace | Promise<StorePlace>;
}

const adapters: readonly Adapter[] = [
  {
    name: 'memory',
    durable: false,
    createPlace: () => ({ open: async () => createMemoryStore() }),
  },
  {
    name: 'level on memory-level',
    exclusive: false,
    createPlace() {
      const database = new MemoryLevel();
      return { open: () => createLevelStore({ database }) };
    },
  },
  {
    name: 'leveldb',
    async createPlace() {
      const path = join(await temporaryDirectory(), 'store');
      return { open: () => createLevelDbStore({ path }) };
    },
  },
  {
    name: 'leveldb, faster',
    async createPlace() {
      const path = join(await temporaryDirectory(), 'store');
      return { open: () => createLevelDbStore({ path, durability: 'process-crash' }) };
    },
  },
  ...sqlites.map(
    ({ name, openDatabase }): Adapter => ({
      name: `sqlite, ${name}`,
      async createPlace() {
        const path = join(await temporaryDirectory(), 'store.sqlite');
        return { open: () => createSqliteStore({ path, openDatabase }) };
      },
    }),
  ),
];

describe.each(adapters)('$name', ({ createPlace, ...options }) => {
  it.each(storeCases(options))('$name', async ({ run }) => run(await createPlace()), 120_000);
});
