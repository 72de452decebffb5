/** What is handed in by mistake or on purpose, and servers that are set up in unusual ways. */
import { inspect } from 'node:util';
import { decodeUtf8, encodeUtf8, type Store, systemClock, type Write } from '@sotto/core';
import { LineProcess } from '@sotto/testing/line-process';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openPostgresDatabase, type PostgresDatabaseOptions } from '../../src/postgres.js';
import { programs, sharedServer } from './server.js';

const getServer = sharedServer();

const put = (key: string, text: string): Write => ({ type: 'put', key, value: encodeUtf8(text) });

async function newDatabase(options: Partial<PostgresDatabaseOptions> = {}) {
  const server = await getServer();
  const url = await server.createDatabase();
  return { server, url, database: await open(url, options) };
}

async function open(connection: string, options: Partial<PostgresDatabaseOptions> = {}) {
  const database = await openPostgresDatabase({ connection, ...options });
  onTestFinished(() => database.close());
  return database;
}

async function textOf(store: Store, key: string): Promise<string | undefined> {
  const record = await store.get(key);
  return record && decodeUtf8(record.value);
}

describe.skipIf(programs === undefined)('names and keys', () => {
  it('are never SQL, nor patterns, and each name is a store of its own', async () => {
    const { server, url, database } = await newDatabase();
    const names = [
      "'; DROP TABLE sotto_records; --",
      '$1',
      '%',
      '_',
      'a',
      'A',
      'a ',
      ' a',
      'a\\',
      '"a"',
      '{a,b}',
      'NULL',
      'x'.repeat(255),
    ];
    const stores = await Promise.all(names.map((name) => database.openStore({ name })));
    for (const [i, store] of stores.entries()) {
      await store.commit([...names.slice(0, -1).map((key) => put(key, `${i} ${key}`)), put('%a', 'x')]);
    }
    for (const [i, store] of stores.entries()) {
      for (const key of names.slice(0, -1)) expect(await textOf(store, key)).toBe(`${i} ${key}`);
      const found: string[] = [];
      for await (const { key } of store.list('%')) found.push(key);
      expect(found).toEqual(['%', '%a']);
    }
    expect(await server.query('SELECT count(*) FROM sotto_stores', url)).toEqual([`${names.length}`]);
  });

  it('that PostgreSQL could not keep apart are refused', async () => {
    const { database } = await newDatabase();
    for (const name of ['', 'a\0', 'é', '\ud800', 'x'.repeat(256), 5 as never]) {
      const refused = { code: 'INVALID_ARGUMENT', details: { what: 'name' } };
      await expect(database.openStore({ name })).rejects.toMatchObject(refused);
      await expect(database.deleteStore(name)).rejects.toMatchObject(refused);
    }
    const store = await database.openStore({ name: 'a' });
    for (const key of ['\0', '\x01', '\xff', 'a\x7f']) {
      await expect(store.commit([put(key, 'x')])).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
      await expect(store.list(key)[Symbol.asyncIterator]().next()).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
      });
    }
  });
});

describe.skipIf(programs === undefined)('a commit', () => {
  it('that is larger than PostgreSQL takes is refused, and changes nothing', async () => {
    const { database } = await newDatabase();
    const store = await database.openStore({ name: 'a' });
    const value = new Uint8Array(16 * 1024 * 1024);
    const writes = Array.from({ length: 16 }, (_, i) => ({ type: 'put', key: `${i}`, value }) as const);
    await expect(store.commit([...writes, put('a', 'x')])).rejects.toMatchObject({
      code: 'LIMIT_EXCEEDED',
      details: { limit: 256 * 1024 * 1024 },
    });
    expect(await store.get('a')).toBeUndefined();
    await store.commit([...writes.slice(2), put('a', 'x')]);
    expect((await store.get('15'))?.value.length).toBe(value.length);
  });

  it('that the server gives up has had no effect, and may be retried; one that loses its session is made', async () => {
    const { server, url, database } = await newDatabase();
    const store = await database.openStore({ name: 'a' });
    for (const [how, refused] of [
      ['pg_cancel_backend', true],
      ['pg_terminate_backend', false],
    ] as const) {
      const administrator = new LineProcess(`${programs}/psql`, ['--no-psqlrc', '--quiet', url]);
      onTestFinished(() => void administrator.kill());
      administrator.write("BEGIN; LOCK TABLE sotto_records; SELECT 'locked';\n");
      await administrator.line((line) => line.includes('locked'));
      const commit = store.commit([put(how, 'x')]);
      const settled = Promise.allSettled([commit]);
      await expect
        .poll(
          () =>
            server.query(
              `SELECT ${how}(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%INSERT%'`,
              url,
            ),
          { timeout: 60_000 },
        )
        .toEqual(['t']);
      if (refused) await settled;
      await administrator.kill();
      if (refused) await expect(commit).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
      else await commit;
      expect(await textOf(store, how)).toBe(refused ? undefined : 'x');
      await store.commit([{ ...put(how, 'x'), ...(refused && { expect: 'absent' }) }]);
    }
  });
});

describe.skipIf(programs === undefined)('a database', () => {
  it('with other defaults keeps what it is given', async () => {
    const server = await getServer();
    const url = await server.createDatabase();
    const name = new URL(url).pathname.slice(1);
    for (const setting of [
      "default_transaction_isolation = 'serializable'",
      "bytea_output = 'escape'",
      'synchronous_commit = off',
      "statement_timeout = '200ms'",
      "idle_session_timeout = '200ms'",
      'enable_indexscan = off',
      "DateStyle = 'German'",
      "search_path = 'apart'",
    ]) {
      await server.query(`ALTER DATABASE ${name} SET ${setting}`);
    }
    await server.query('CREATE SCHEMA apart', url);
    const database = await open(url);
    const stores = await Promise.all(['a', 'b'].map((one) => database.openStore({ name: one })));
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    for (let i = 0; i < 20; i++) {
      await Promise.all(stores.map((store) => store.commit([{ type: 'put', key: 'a', value: bytes }])));
    }
    for (const store of stores) expect((await store.get('a'))?.value).toEqual(bytes);
    expect(await server.query('SELECT count(*) FROM apart.sotto_stores', url)).toEqual(['2']);
  });

  it('whose role may make no tables needs them to be there', async () => {
    const { server, url } = await newDatabase();
    const other = await server.createDatabase();
    await server.query('CREATE ROLE application LOGIN');
    const role = (address: string) => address.replace('sotto@', 'application@');
    await expect(open(role(other))).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      details: { reason: '42501' },
    });
    await server.query(
      'GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO application',
      url,
    );
    const database = await open(role(url));
    const store = await database.openStore({ name: 'a' });
    await store.commit([put('a', 'x'), put('b', 'x')]);
    await store.commit([{ type: 'delete', key: 'a' }]);
    expect(await textOf(store, 'b')).toBe('x');
  });

  it('of newer software is refused', async () => {
    const { server, url } = await newDatabase();
    await server.query('UPDATE sotto_layout SET layout = 2', url);
    await expect(open(url)).rejects.toMatchObject({
      code: 'STORE_SCHEMA_NEWER',
      details: { found: 2, supported: 1 },
    });
  });

  it('that is not there is STORE_UNAVAILABLE, and no error says the password', async () => {
    const server = await getServer();
    for (const url of [server.url('nowhere'), 'postgres://sotto@127.0.0.1:1/a']) {
      const address = url.replace('sotto@', 'sotto:SECRET@');
      const error = await open(address).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: 'STORE_UNAVAILABLE' });
      expect(inspect(error, { depth: 10 })).not.toContain('SECRET');
    }
    expect(inspect(await open(server.url().replace('sotto@', 'sotto:SECRET@')), { depth: 10 })).not.toContain(
      'SECRET',
    );
  });

  it('with a single connection serves many stores', async () => {
    const { database } = await newDatabase({ maxConnections: 1 });
    const stores = await Promise.all(
      Array.from({ length: 200 }, (_, i) => database.openStore({ name: `store ${i}` })),
    );
    await Promise.all(stores.map((store, i) => store.commit([put('a', `${i}`)])));
    const texts = await Promise.all(stores.map((store) => textOf(store, 'a')));
    expect(texts).toEqual(stores.map((_, i) => `${i}`));
  });

  it('keeps a store for its owner, however wrong the clocks of processes are', async () => {
    const hour = 3_600_000;
    const apart = (milliseconds: number) => ({ ...systemClock, now: () => systemClock.now() + milliseconds });
    const { server, url, database } = await newDatabase({ clock: apart(hour), leaseMs: 500 });
    const other = await open(url, { clock: apart(-hour), leaseMs: 500 });
    const store = await database.openStore({ name: 'a' });
    const [begin] = await server.query('SELECT clock_timestamp()', url);
    // Four leases, by the clock of the server.
    await expect
      .poll(
        () => server.query(`SELECT clock_timestamp() > '${begin}'::timestamptz + interval '2 seconds'`, url),
        {
          timeout: 60_000,
        },
      )
      .toEqual(['t']);
    await expect(other.openStore({ name: 'a' })).rejects.toMatchObject({ code: 'STORE_LOCKED' });
    await store.commit([put('a', 'x')]);
  });

  it('deletes a store that nobody has open, with all that it kept', async () => {
    const { server, url, database } = await newDatabase();
    const other = await open(url);
    const store = await database.openStore({ name: 'a' });
    await store.commit([put('a', 'x')]);
    for (const one of [database, other]) {
      await expect(one.deleteStore('a')).rejects.toMatchObject({ code: 'STORE_LOCKED' });
    }
    await store.close();
    await other.deleteStore('a');
    await other.deleteStore('a');
    for (const table of ['sotto_stores', 'sotto_records']) {
      expect(await server.query(`SELECT count(*) FROM ${table}`, url)).toEqual(['0']);
    }
    const again = await database.openStore({ name: 'a' });
    expect(again.continuity).toBe('new');
    expect(await again.get('a')).toBeUndefined();
  });

  it('that was restored from an old copy is detected with an anchor', async () => {
    const { server, url, database } = await newDatabase();
    let saved: number | undefined;
    const anchor = {
      load: async () => saved,
      save: async (revision: number) => {
        saved = revision;
      },
    };
    const store = await database.openStore({ name: 'a', anchor });
    await store.commit([put('a', '1')]);
    await store.close();
    await server.query('CREATE TABLE copy AS SELECT * FROM sotto_records', url);
    const next = await database.openStore({ name: 'a', anchor });
    expect(next.continuity).toBe('continued');
    await next.commit([put('a', '2')]);
    await next.close();
    await server.query('DELETE FROM sotto_records; INSERT INTO sotto_records SELECT * FROM copy', url);
    const old = await database.openStore({ name: 'a', anchor });
    expect(old.continuity).toBe('rolled-back');
  });
});
