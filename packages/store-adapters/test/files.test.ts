import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeUtf8, encodeUtf8, type Store, type Write } from '@sotto/core';
import { temporaryDirectory } from '@sotto/testing/files';
import { LineProcess } from '@sotto/testing/line-process';
import { describe, expect, it, vi } from 'vitest';
import type { DurableStore } from '../src/durable-store.js';
import { createFileAnchor } from '../src/file-anchor.node.js';
import { createLevelDbStore } from '../src/leveldb.js';
import { createSqliteStore, type SqliteStoreOptions } from '../src/sqlite.js';
import { childProgram } from './child-program.js';
import { sqlites } from './sqlites.js';

const put = (key: string, text: string): Write => ({ type: 'put', key, value: encodeUtf8(text) });

async function texts(store: Store): Promise<string[]> {
  const found: string[] = [];
  for await (const { key, value } of store.list('')) found.push(`${key}=${decodeUtf8(value)}`);
  return found;
}

const kinds = [
  { kind: 'leveldb', open: (path: string, more = {}) => createLevelDbStore({ path, ...more }) },
  ...sqlites.map(({ name, openDatabase }) => ({
    kind: `sqlite, ${name}`,
    open: (path: string, more = {}) => createSqliteStore({ path, openDatabase, ...more }),
  })),
];

/** The bytes of every file in a directory, or of one file and those beside it. */
async function allBytes(directory: string): Promise<Buffer> {
  const files = await readdir(directory, { recursive: true, withFileTypes: true });
  const contents = files.filter((one) => one.isFile()).map((one) => readFile(join(one.parentPath, one.name)));
  return Buffer.concat(await Promise.all(contents));
}

describe.each(kinds)('$kind', ({ open }) => {
  it('makes the directories above it, for their owner alone', async () => {
    const directory = temporaryDirectory();
    const path = join(directory, 'new', 'deep', 'store');
    await (await open(path)).close();
    for (const made of [join(directory, 'new'), join(directory, 'new', 'deep'), path]) {
      expect((await stat(made)).mode & 0o077, made).toBe(0);
    }
  });

  it('says STORE_UNAVAILABLE where it can not be', async () => {
    const directory = temporaryDirectory();
    await writeFile(join(directory, 'file'), 'not a directory');
    await expect(open(join(directory, 'file', 'store'))).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });

  it('deletes for real: after compacting, nothing of what was deleted or replaced is in the files', async () => {
    const directory = temporaryDirectory();
    const store = await open(join(directory, 'store'));
    const secret = (i: number) => `SECRET-${i}-`.repeat(30);
    for (let i = 0; i < 200; i++) await store.commit([put(`k${i}`, secret(i)), put('same', secret(i))]);
    expect((await allBytes(directory)).includes('SECRET-7-')).toBe(true);
    await store.commit(Array.from({ length: 200 }, (_, i) => ({ type: 'delete', key: `k${i}` })));
    await store.commit([put('same', 'harmless')]);
    await store.compact();
    expect((await allBytes(directory)).includes('SECRET-')).toBe(false);
    expect(await texts(store)).toEqual(['same=harmless']);
    await store.close();
    expect((await allBytes(directory)).includes('SECRET-')).toBe(false);
  });

  it('does not open a store that is entirely damaged', async () => {
    const directory = temporaryDirectory();
    const path = join(directory, 'store');
    const store = await open(path);
    await store.commit([put('a', '1')]);
    await store.close();
    const main = (await stat(path)).isDirectory()
      ? join(path, (await readdir(path)).find((name) => name.startsWith('MANIFEST')) as string)
      : path;
    const bytes = await readFile(main);
    await writeFile(main, bytes.fill(0x5a, 0, Math.min(bytes.length, 200)));
    await expect(open(path)).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
  });

  it('detects by its anchor that an old copy was restored, or that it is gone', async () => {
    const directory = temporaryDirectory();
    const [path, copy] = [join(directory, 'store'), join(directory, 'copy')];
    const anchor = createFileAnchor(join(directory, 'anchor'));
    const state = async (run: (store: DurableStore) => Promise<unknown> = async () => {}) => {
      const store = await open(path, { anchor });
      await run(store);
      await store.close();
      return store.continuity;
    };
    expect(await state((store) => store.commit([put('a', '1')]))).toBe('new');
    await cp(path, copy, { recursive: true });
    expect(await state((store) => store.commit([put('a', '2')]))).toBe('continued');
    expect(await state()).toBe('continued');
    await rm(path, { recursive: true });
    await cp(copy, path, { recursive: true });
    expect(await state()).toBe('rolled-back');
    await rm(path, { recursive: true });
    expect(await state()).toBe('lost');
    expect(await state((store) => store.commit([put('a', '3')]))).toBe('lost');
    expect(await state()).toBe('continued');
  });
});

describe('the anchor in a file', () => {
  it('is nothing when it is missing or holds nonsense, and fails when it can not be read', async () => {
    const directory = temporaryDirectory();
    const path = join(directory, 'anchor');
    const anchor = createFileAnchor(path);
    expect(await anchor.load()).toBeUndefined();
    for (const nonsense of ['', 'x', '-1', '1.5', '9'.repeat(30)]) {
      await writeFile(path, nonsense);
      expect(await anchor.load()).toBeUndefined();
    }
    await anchor.save(42);
    expect(await createFileAnchor(path).load()).toBe(42);
    await mkdir(join(directory, 'folder'));
    await expect(createFileAnchor(join(directory, 'folder')).load()).rejects.toThrow();
    const opening = createLevelDbStore({
      path: join(directory, 'store'),
      anchor: createFileAnchor(join(directory, 'folder')),
    });
    await expect(opening).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });
});

describe('leveldb', () => {
  it('says what to install when it is missing, and makes nothing', async () => {
    vi.resetModules();
    vi.doMock('classic-level', () => {
      throw new Error('not installed');
    });
    const path = join(temporaryDirectory(), 'store');
    try {
      const { createLevelDbStore: create } = await import('../src/leveldb.js');
      await expect(create({ path })).rejects.toMatchObject({
        code: 'PACKAGE_MISSING',
        message: expect.stringContaining('npm install classic-level'),
        details: { packages: ['classic-level'] },
      });
      expect(existsSync(path)).toBe(false);
    } finally {
      vi.doUnmock('classic-level');
      vi.resetModules();
    }
  });
});

describe('sqlite', () => {
  it.each([
    ['database is locked', 'STORE_LOCKED'],
    ['database table is locked', 'STORE_LOCKED'],
    ['database disk image is malformed', 'STORE_CORRUPT'],
    ['file is not a database', 'STORE_CORRUPT'],
    ['disk I/O error', 'STORE_UNAVAILABLE'],
  ])('reports "%s" as %s when the error has no number', async (message, code) => {
    const openDatabase = () => {
      throw Object.assign(new Error(message), { code: 'ERR_SQLITE_ERROR' });
    };
    const path = join(temporaryDirectory(), 'store.sqlite');
    await expect(createSqliteStore({ path, openDatabase })).rejects.toMatchObject({ code });
  });

  it('reports what is missing when there is none', async () => {
    vi.resetModules();
    vi.doMock('libsql', () => {
      throw new Error('not installed');
    });
    vi.doMock('node:sqlite', () => {
      throw new Error('not in this Node');
    });
    try {
      const { createSqliteStore: create } = await import('../src/sqlite.js');
      const options: SqliteStoreOptions = { path: join(temporaryDirectory(), 'store') };
      await expect(create(options)).rejects.toMatchObject({
        code: 'PACKAGE_MISSING',
        message: expect.stringContaining('npm install libsql'),
        details: { packages: ['libsql'] },
      });
    } finally {
      vi.doUnmock('libsql');
      vi.doUnmock('node:sqlite');
      vi.resetModules();
    }
  });

  it('finds one by itself', async () => {
    const path = join(temporaryDirectory(), 'store');
    const store = await createSqliteStore({ path });
    await store.commit([put('a', '1')]);
    expect(await texts(store)).toEqual(['a=1']);
    await store.close();
  });

  it('reads what another binding wrote', async () => {
    for (const writer of sqlites) {
      const path = join(temporaryDirectory(), 'store');
      const store = await createSqliteStore({ path, openDatabase: writer.openDatabase });
      await store.commit([put('a', 'by one'), put('b', 'x'.repeat(10_000))]);
      await store.close();
      for (const { openDatabase } of sqlites) {
        const other = await createSqliteStore({ path, openDatabase });
        expect((await texts(other))[0]).toBe('a=by one');
        await other.close();
      }
    }
  });
});

const strace = spawnSync('strace', ['-qq', '-o', '/dev/null', 'true']).status === 0;
if (!strace)
  process.stderr.write('\nNOT TESTED HERE: that commits wait for the disk, since strace is missing.\n\n');

describe.runIf(strace)('waiting for the disk', () => {
  it.each([
    { kind: 'leveldb', atLeast: 100 },
    { kind: 'sqlite', atLeast: 100 },
    { kind: 'leveldb faster', atMost: 20 },
    { kind: 'sqlite faster', atMost: 20 },
  ])('$kind', async ({ kind, atLeast = 0, atMost = 1000 }) => {
    const directory = temporaryDirectory();
    const trace = join(directory, 'trace');
    const child = childProgram('writer');
    const args = ['-f', '-qq', '-o', trace, '-e', 'trace=fsync,fdatasync'];
    const writer = new LineProcess('strace', [
      ...args,
      process.execPath,
      child,
      kind,
      directory,
      '100',
      '100',
      '-',
    ]);
    expect(await writer.ended).toEqual({ code: 0, stderr: '' });
    const calls = (await readFile(trace, 'utf8')).match(/(fsync|fdatasync)\(/g)?.length ?? 0;
    expect(calls).toBeGreaterThanOrEqual(atLeast);
    expect(calls).toBeLessThanOrEqual(atMost);
  });
});
