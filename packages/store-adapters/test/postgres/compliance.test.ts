import { type StoreFixture, storeCases } from '@sotto/compliance/store';
import type { Store } from '@sotto/core';
import { repetitions } from '@sotto/testing/long';
import { randomBytes } from '@sotto/testing/random';
import { afterAll, describe, it } from 'vitest';
import { createEncryptedStore, ENCRYPTED_VALUE_MAX_BYTES } from '../../src/encrypted.js';
import { openPostgresDatabase, type PostgresDatabase } from '../../src/postgres.js';
import { programs, sharedServer } from './server.js';

const getServer = sharedServer();
/** All stores in one database, and through one handle. */
let database: Promise<PostgresDatabase> | undefined;
let fixtures = 0;

afterAll(async () => (await database)?.close());

async function newFixture(): Promise<StoreFixture> {
  database ??= getServer().then(async (server) =>
    openPostgresDatabase({ connection: await server.createDatabase() }),
  );
  const opened = await database;
  const name = `fixture ${++fixtures}`;
  return { open: () => opened.openStore({ name }) };
}

async function newEncryptedFixture(): Promise<StoreFixture> {
  const fixture = await newFixture();
  return { open: async () => encrypted(await fixture.open()) };
}

function encrypted(store: Store): Promise<Store> {
  const passphraseCost = { memoryKiB: 8, passes: 1 };
  return createEncryptedStore({ store, passphrase: 'correct horse', randomBytes, passphraseCost });
}

describe.skipIf(programs === undefined)('a store in PostgreSQL', () => {
  it.each(storeCases({ records: repetitions(10_000, 100_000) }))(
    '$name',
    async ({ run }) => run(await newFixture()),
    300_000,
  );
});

describe.skipIf(programs === undefined)('an encrypted store in PostgreSQL', () => {
  it.each(storeCases({ records: 2000, maxValueBytes: ENCRYPTED_VALUE_MAX_BYTES }))(
    '$name',
    async ({ run }) => run(await newEncryptedFixture()),
    300_000,
  );
});
