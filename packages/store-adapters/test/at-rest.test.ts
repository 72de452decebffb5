/** What can still be read from the files of a store, of what it was told to replace or delete. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeUtf8, encodeHex, encodeUtf8, type Write } from '@sotto/core';
import { temporaryDirectory } from '@sotto/testing/files';
import { LineProcess } from '@sotto/testing/line-process';
import { describe, expect, it } from 'vitest';
import { createLevelDbStore } from '../src/leveldb.js';
import { childProgram } from './child-program.js';
import { openStore } from './children/open-store.js';
import { kinds, settled } from './stores-on-disk.js';

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
