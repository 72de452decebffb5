/** What can still be read from the files of a store, of what it was told to replace or delete. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeUtf8, encodeHex, encodeUtf8, type Store, type Write } from '@sotto/core';
import { temporaryDirectory } from '@sotto/testing/files';
import { LineProcess } from '@sotto/testing/line-process';
import { randomBytes } from '@sotto/testing/random';
import { describe, expect, it } from 'vitest';
import { openKeyring } from '../src/encrypted/keyring.js';
import { RecordSealer } from '../src/encrypted/sealed-record.js';
import { createEncryptedStore } from '../src/encrypted.js';
import type { EngineStoreOptions } from '../src/engine-store.js';
import { createLevelDbStore } from '../src/leveldb.js';
import { createMemoryStore } from '../src/memory.js';
import { createSqliteStore } from '../src/sqlite.js';
import { childProgram } from './child-program.js';
import { openStore } from './children/open-store.js';
import { sqlites } from './sqlites.js';

const cheap = { memoryKiB: 8, passes: 1 };
const passphrase = 'correct horse';

const kinds = [
  {
    kind: 'leveldb',
    open: (path: string, more: EngineStoreOptions = {}) =>
      createLevelDbStore({ path, durability: 'process-crash', ...more }),
  },
  ...sqlites.map(({ name, openDatabase }) => ({
    kind: `sqlite, ${name}`,
    open: (path: string, more: EngineStoreOptions = {}) =>
      createSqliteStore({ path, openDatabase, durability: 'process-crash', ...more }),
  })),
];

/** Pseudo-random numbers from 0 to 1, the same in each run. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return state / 0x80000000;
  };
}

/** Writes that replace and delete records of all sizes over and over. Values say which they are; `live` is what is left. */
function* history(seed: number, live: Map<string, string>): Generator<Write[], void> {
  const next = numbers(seed);
  for (;;) {
    const key = `record/${Math.floor(next() * 200)}`;
    if (next() < 0.3) {
      live.delete(key);
      yield [{ type: 'delete', key }];
    } else {
      // Random, so that LevelDB's compression leaves at least one of them in one piece.
      const mark = `<${encodeHex(Uint8Array.from({ length: 8 }, () => 256 * next()))}>`;
      const length = next() < 0.1 ? next() * 9000 : next() * 400;
      live.set(key, mark);
      yield [{ type: 'put', key, value: encodeUtf8(mark.repeat(1 + Math.floor(length / mark.length))) }];
    }
  }
}

async function marksIn(directory: string): Promise<Set<string>> {
  const files = await readdir(directory, { recursive: true, withFileTypes: true });
  const marks = new Set<string>();
  for (const file of files.filter((one) => one.isFile())) {
    const text = await readFile(join(file.parentPath, file.name), 'latin1');
    for (const mark of text.match(/<[0-9a-f]{16}>/g) ?? []) marks.add(mark);
  }
  return marks;
}

/** Marks in the files that belong to no record any more. */
async function remains(directory: string, live: ReadonlyMap<string, string>): Promise<string[]> {
  const alive = new Set(live.values());
  return [...(await marksIn(directory))].filter((mark) => !alive.has(mark));
}

/** Resolves when what the store does by itself behind the commits is done: a listing begins after it. */
async function settled(store: Store): Promise<void> {
  for await (const _ of store.list('', { limit: 1 }));
}

describe.each(kinds)('$kind', ({ open }) => {
  it('closed: nothing of what was replaced or deleted is in the files', async () => {
    const directory = temporaryDirectory();
    const live = new Map<string, string>();
    const writes = history(1, live);
    for (const commits of [60, 1, 3000]) {
      const store = await open(join(directory, 'store'));
      for (let i = 0; i < commits; i++) await store.commit(writes.next().value as Write[]);
      await store.close();
      expect(await remains(directory, live)).toEqual([]);
    }
    const store = await open(join(directory, 'store'));
    const found = new Map<string, string>();
    for await (const { key, value } of store.list('')) found.set(key, decodeUtf8(value.subarray(0, 18)));
    expect(found).toEqual(new Map([...live].sort()));
    await store.close();
  });

  it('open: the store compacts itself after the configured number of changes', async () => {
    const directory = temporaryDirectory();
    const live = new Map<string, string>();
    const writes = history(2, live);
    const store = await open(join(directory, 'store'), { compactAfter: 100 });
    for (let i = 0; i < 99; i++) await store.commit(writes.next().value as Write[]);
    await settled(store);
    expect((await remains(directory, live)).length).toBeGreaterThan(5);
    await store.commit(writes.next().value as Write[]);
    await settled(store);
    expect(await remains(directory, live)).toEqual([]);
    await store.close();
  });

  it('disabled: everything stays until compact is called', async () => {
    const directory = temporaryDirectory();
    const live = new Map<string, string>();
    const writes = history(3, live);
    const store = await open(join(directory, 'store'), { compactAfter: Number.POSITIVE_INFINITY });
    for (let i = 0; i < 500; i++) await store.commit(writes.next().value as Write[]);
    expect((await remains(directory, live)).length).toBeGreaterThan(100);
    await store.compact();
    expect(await remains(directory, live)).toEqual([]);
    await store.close();
  });

  it('read while it is compacted: listings go on, and hold on to nothing', async () => {
    const directory = temporaryDirectory();
    const live = new Map<string, string>();
    const writes = history(4, live);
    const store = await open(join(directory, 'store'));
    for (let i = 0; i < 300; i++) await store.commit(writes.next().value as Write[]);
    const expected = live.size;
    const listing = store.list('')[Symbol.asyncIterator]();
    await listing.next();
    const [, revision] = await Promise.all([store.compact(), store.commit(writes.next().value as Write[])]);
    expect(revision).toBe(301);
    let listed = 1;
    while (!(await listing.next()).done) listed++;
    expect(listed).toBe(expected);
    await store.compact();
    expect(await remains(directory, live)).toEqual([]);
    await store.close();
  });

  it.each([0, -1, 1.5, Number.NaN, '5' as unknown as number])(
    'compactAfter %s is refused, and nothing is left open',
    async (compactAfter) => {
      const path = join(temporaryDirectory(), 'store');
      await expect(open(path, { compactAfter })).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        details: { what: 'compactAfter' },
      });
      await (await open(path)).close();
    },
  );
});

describe('leveldb', () => {
  it('closed: not even the keys of what was deleted are in the files', async () => {
    const directory = temporaryDirectory();
    const path = join(directory, 'store');
    for (const round of [1, 2]) {
      const store = await createLevelDbStore({ path });
      await store.commit([
        { type: 'put', key: '!first-SECRETKEY', value: new Uint8Array(100) },
        { type: 'put', key: '~last-SECRETKEY', value: new Uint8Array(100) },
        { type: 'put', key: `kept/${round}`, value: new Uint8Array(100) },
      ]);
      if (round === 2) await store.compact();
      await store.commit([
        { type: 'delete', key: '!first-SECRETKEY' },
        { type: 'delete', key: '~last-SECRETKEY' },
      ]);
      await store.close();
      for (const name of await readdir(path)) {
        expect((await readFile(join(path, name), 'latin1')).includes('SECRETKEY'), name).toBe(false);
      }
    }
  });
});

describe.each(['leveldb', 'sqlite'] as const)('%s, killed', (kind) => {
  it('what was replaced before is gone when the next session has ended', async () => {
    const directory = temporaryDirectory();
    const writer = new LineProcess(process.execPath, [
      childProgram('writer'),
      kind,
      directory,
      '1000000',
      '500',
      '-',
    ]);
    await writer.line((line) => line === 'done 40');
    await writer.kill();
    let store = await openStore(kind, directory);
    await store.commit([{ type: 'delete', key: 'log/000000007' }]);
    await store.close();
    const bytes = async () => {
      const files = await readdir(directory, { recursive: true, withFileTypes: true });
      const contents = files.filter((one) => one.isFile());
      return Buffer.concat(
        await Promise.all(contents.map((one) => readFile(join(one.parentPath, one.name)))),
      );
    };
    expect((await bytes()).includes(Buffer.alloc(200, 7))).toBe(false);
    // Not only by a session that wrote.
    const other = new LineProcess(process.execPath, [
      childProgram('writer'),
      kind,
      directory,
      '1000000',
      '500',
      '-',
    ]);
    await other.line((line) => line.startsWith('done'));
    await other.kill();
    store = await openStore(kind, directory);
    await store.close();
    const reopened = await openStore(kind, directory);
    expect(await reopened.get('log/000000008')).toBeDefined();
    await reopened.close();
    expect((await bytes()).includes(Buffer.alloc(200, 7))).toBe(false);
  }, 30_000);
});

/** Everything that was ever written to a store, each version of each record: more than any file system keeps. */
function recording(store: Store): { readonly recorded: Store; readonly written: [string, Uint8Array][] } {
  const written: [string, Uint8Array][] = [];
  return {
    written,
    recorded: {
      get: (key) => store.get(key),
      list: (prefix, options) => store.list(prefix, options),
      async commit(writes, options) {
        const revision = await store.commit(writes, options);
        for (const write of writes) {
          if (write.type === 'put') written.push([write.key, new Uint8Array(write.value)]);
        }
        return revision;
      },
      compact: async () => store.compact?.(),
      close: async () => {},
    },
  };
}

/** Whatever opens with a data key and with all keys that are found in what opens, over and over; as text. */
function openedFrom(dataKey: Uint8Array, written: readonly (readonly [string, Uint8Array])[]): string[] {
  const keys = [dataKey];
  const opened = new Map<number, string>();
  for (const key of keys) {
    written.forEach(([place, value], i) => {
      if (opened.has(i) || place === 'k') return;
      try {
        // The root has 16 bytes in the clear before what is sealed.
        const sealed = place === 'v' ? value.subarray(16) : value;
        const { plaintext } = new RecordSealer(key, randomBytes).open(place, sealed, 'x');
        opened.set(i, new TextDecoder('latin1').decode(plaintext));
        if (place.startsWith('r/')) return;
        for (let at = 0; at + 32 <= plaintext.length; at++) {
          if ((at - (place === 'v' ? 8 : 0) - 9) % 41 === 0 || (at - 24) % 56 === 0) {
            keys.push(plaintext.slice(at, at + 32));
          }
        }
      } catch {
        // Not with this key.
      }
    });
  }
  return [...opened.values()];
}

describe('encrypted', () => {
  const encrypt = (store: Store, words = passphrase) =>
    createEncryptedStore({ store, passphrase: words, randomBytes, passphraseCost: cheap });
  const put = (key: string, text: string): Write => ({ type: 'put', key, value: encodeUtf8(text) });

  async function used() {
    const inner = createMemoryStore();
    const record = recording(inner);
    const store = await encrypt(record.recorded);
    for (let i = 0; i < 20; i++) await store.commit([put('session/x', `STATE-${i}.`)]);
    await store.commit([put('inbox/1', 'MESSAGE'), put('kept', 'KEPT')]);
    await store.commit([{ type: 'delete', key: 'inbox/1' }]);
    return { inner, store, ...record };
  }

  const secretsIn = (texts: readonly string[]) =>
    texts.flatMap((text) => text.match(/STATE-\d+|MESSAGE|KEPT/) ?? []).sort();

  it('before: the search finds what is there, and with old keys everything', async () => {
    const { inner, written } = await used();
    const { dataKey } = await openKeyring((await inner.get('k'))!.value, passphrase);
    const found = secretsIn(openedFrom(dataKey, written));
    expect(found).toHaveLength(22);
  });

  it.each(['compacted', 'closed'] as const)(
    '%s: with the passphrase and all that was ever written but an old keyring, only what is there opens',
    async (how) => {
      const { inner, store, written } = await used();
      if (how === 'compacted') await store.compact();
      else await store.close();
      const { dataKey } = await openKeyring((await inner.get('k'))!.value, passphrase);
      expect(secretsIn(openedFrom(dataKey, written))).toEqual(['KEPT', 'STATE-19']);
      expect(decodeUtf8((await (await encrypt(inner)).get('session/x'))!.value)).toBe('STATE-19.');
    },
  );

  it('with a new passphrase nothing old opens, and with the old one and the old keyring only what is old', async () => {
    const { inner, store, written } = await used();
    const old = written.find(([key]) => key === 'k')![1];
    await store.changePassphrase('another horse', cheap);
    await store.commit([put('session/x', 'STATE-99.')]);
    const now = (await inner.get('k'))!.value;
    await expect(openKeyring(old, 'another horse')).rejects.toMatchObject({ code: 'STORE_WRONG_PASSPHRASE' });
    await expect(openKeyring(now, passphrase)).rejects.toMatchObject({ code: 'STORE_WRONG_PASSPHRASE' });
    const { dataKey } = await openKeyring(now, 'another horse');
    // The state before the last commit, whose root was sealed under the same data key, is the oldest that opens.
    const found = secretsIn(openedFrom(dataKey, written));
    expect(found).toEqual(['KEPT', 'STATE-19', 'STATE-99']);
    const before = await openKeyring(old, passphrase);
    expect(secretsIn(openedFrom(before.dataKey, written))).not.toContain('STATE-99');
  });

  it('by itself, after enough changes, while it is open', async () => {
    const { inner, store, written } = await used();
    const many = Array.from({ length: 999 }, (_, i) => put(`many/${i}`, 'x'));
    await store.commit(many);
    await settled(store);
    const { dataKey } = await openKeyring((await inner.get('k'))!.value, passphrase);
    const places = written.filter(([key]) => key === 'k' || key.startsWith('v')).length;
    expect(places).toBeGreaterThan(40);
    const recent = written.filter(([key]) => !key.startsWith('v/'));
    expect(secretsIn(openedFrom(dataKey, recent))).not.toContain('MESSAGE');
  });

  it('a process that is killed while the data key is replaced: the store opens, and goes on', async () => {
    const { inner, written } = await used();
    const versions = written.filter(([key]) => key === 'k').length;
    const killed: Store = {
      ...recording(inner).recorded,
      commit: () => new Promise(() => {}),
    };
    const dying = await encrypt(killed);
    void dying.compact();
    const store = await encrypt(inner);
    expect(decodeUtf8((await store.get('kept'))!.value)).toBe('KEPT');
    await store.compact();
    expect(versions).toBe(1);
    expect(decodeUtf8((await (await encrypt(inner)).get('kept'))!.value)).toBe('KEPT');
  });

  it.each(kinds)(
    'over $kind, closed: no record that was replaced or deleted is in the files',
    async ({ open }) => {
      const directory = temporaryDirectory();
      const inner = await open(join(directory, 'store'));
      const written: Uint8Array[] = [];
      const spied: Store = {
        get: (key) => inner.get(key),
        list: (prefix, options) => inner.list(prefix, options),
        commit(writes, options) {
          for (const write of writes) if (write.type === 'put') written.push(new Uint8Array(write.value));
          return inner.commit(writes, options);
        },
        close: () => inner.close(),
      };
      const store = await encrypt(spied);
      for (let i = 0; i < 50; i++) await store.commit([put('session/x', `STATE-${i}.`)]);
      await store.commit([{ type: 'delete', key: 'session/x' }]);
      await store.changePassphrase('another horse', cheap);
      await store.close();
      const files = await readdir(directory, { recursive: true, withFileTypes: true });
      const contents = await Promise.all(
        files.filter((one) => one.isFile()).map((one) => readFile(join(one.parentPath, one.name))),
      );
      // By their tags, which nothing can compress.
      const found = written.filter((value) =>
        contents.some((content) => content.includes(Buffer.from(value.subarray(-16)))),
      );
      // The keyring, whose checksum is at its end, and the root without records.
      expect(found).toHaveLength(2);
    },
  );
});
