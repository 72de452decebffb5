import { decodeUtf8, encodeUtf8, type Store, type Write } from '@sotto/core';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openPostgresDatabase, type PostgresDatabaseOptions } from '../../src/postgres.js';
import { programs, sharedServer } from './server.js';
import { Wire } from './wire.js';

const getServer = sharedServer();

const put = (key: string, text: string): Write => ({ type: 'put', key, value: encodeUtf8(text) });

async function textOf(store: Store, key: string): Promise<string | undefined> {
  const record = await store.get(key);
  return record && decodeUtf8(record.value);
}

/** A store behind a network that has accidents, and the server at its other end. */
async function storeInDoubt(options: Partial<PostgresDatabaseOptions> = {}) {
  const server = await getServer();
  const wire = await Wire.start(server.port);
  onTestFinished(() => wire.close());
  const url = await server.createDatabase();
  const database = await openPostgresDatabase({ connection: wire.through(url), ...options });
  onTestFinished(() => database.close());
  const store = await database.openStore({ name: 'a' });
  await store.commit([put('before', 'x')]);
  return { server, wire, url, database, store };
}

describe.skipIf(programs === undefined)('a commit whose connection is lost', () => {
  it('is confirmed when the server had it, and only its answer was lost', async () => {
    const { wire, store } = await storeInDoubt();
    wire.arrange({ statement: 'sotto-write', kind: 'answer lost' });
    const revision = await store.commit([put('a', '1'), { type: 'delete', key: 'before' }]);
    expect(await store.get('a')).toMatchObject({ revision });
    expect(await store.get('before')).toBeUndefined();
    expect(await store.commit([{ ...put('a', '2'), expect: revision }])).toBeGreaterThan(revision);
  });

  it('is made over another one when the server never had it', async () => {
    const { wire, store } = await storeInDoubt();
    wire.arrange({ statement: 'sotto-write', kind: 'request lost' });
    const revision = await store.commit([{ ...put('a', '1'), expect: 'absent' }]);
    expect(await store.get('a')).toMatchObject({ revision });
  });

  it('changes nothing any more when it reaches the server after all', async () => {
    const { wire, store } = await storeInDoubt();
    wire.arrange({ statement: 'sotto-write', kind: 'request late' });
    await store.commit([put('a', 'first'), put('b', 'first')]);
    await store.commit([put('a', 'second')]);
    await wire.deliver();
    expect(await textOf(store, 'a')).toBe('second');
    expect(await textOf(store, 'b')).toBe('first');
  });

  it('is awaited while reads go on, and nobody is told that the store was taken over', async () => {
    const { wire, store } = await storeInDoubt();
    wire.arrange({ statement: 'sotto-write', kind: 'answer lost' });
    const reads = async () => {
      for (let i = 0; i < 50; i++) expect(await textOf(store, 'before')).toBe('x');
    };
    await Promise.all([store.commit([put('a', '1')]), reads(), reads()]);
    expect(await textOf(store, 'a')).toBe('1');
  });

  it('is confirmed when the server, which had crashed meanwhile, is there again', async () => {
    const { server, wire, store } = await storeInDoubt();
    for (const [i, end] of (['crash', 'kill'] as const).entries()) {
      wire.arrange({ statement: 'sotto-write', kind: i === 0 ? 'answer lost' : 'request lost' });
      const commit = store.commit([put('a', end)]);
      await server[end]();
      await server.start();
      const revision = await commit;
      expect(await store.get('a')).toMatchObject({ revision, value: encodeUtf8(end) });
    }
  });

  it('closes the store when the server does not say in time what became of it; reopened, it is as after a crash', async () => {
    const { wire, store, database } = await storeInDoubt({ commitTimeoutMs: 1 });
    wire.arrange({ statement: 'sotto-write', kind: 'answer lost' });
    await expect(store.commit([put('a', '1'), put('b', '1')])).rejects.toMatchObject({ code: 'CLOSED' });
    await expect(store.get('a')).rejects.toMatchObject({ code: 'CLOSED' });
    const reopened = await database.openStore({ name: 'a', whenLocked: 'wait' });
    expect(await textOf(reopened, 'a')).toBe(await textOf(reopened, 'b'));
    await reopened.commit([put('a', '2')]);
  });
});
