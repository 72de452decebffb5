import { join } from 'node:path';
import { decodeUtf8, encodeUtf8, type Store, type Write } from '@sotto/core';
import { temporaryDirectory } from '@sotto/testing/files';
import { ClassicLevel } from 'classic-level';
import { describe, expect, it } from 'vitest';
import { createEncryptedStore } from '../src/encrypted.js';
import { createEngineStore } from '../src/engine.js';
import { type LevelDatabase, LevelEngine } from '../src/level-engine.js';
import { createLevelDbStore } from '../src/leveldb.js';
import { createMemoryStore } from '../src/memory.js';
import { createSqliteStore, type SqliteDatabase } from '../src/sqlite.js';
import type { EngineChange } from '../src/storage-engine.js';
import { MemoryEngine } from './memory-engine.js';
import { sqlites } from './sqlites.js';

const put = (key: string, text: string): Write => ({ type: 'put', key, value: encodeUtf8(text) });
const RELAXED = { durability: 'relaxed' } as const;

/** A double of an engine whose relaxed writes a power cut undoes. */
class RelaxedEngine extends MemoryEngine {
  /** What a power cut leaves. */
  durable = new Map<string, Uint8Array>();

  override async write(changes: readonly EngineChange[]): Promise<void> {
    await super.write(changes);
    this.durable = new Map(this.pairs);
  }

  writeRelaxed(changes: readonly EngineChange[]): Promise<void> {
    return super.write(changes);
  }
}

function memoryAnchor() {
  return {
    saved: undefined as number | undefined,
    async load() {
      return this.saved;
    },
    async save(revision: number) {
      this.saved = revision;
    },
  };
}

async function keys(store: Store): Promise<string[]> {
  const found: string[] = [];
  for await (const { key } of store.list('')) found.push(key);
  return found;
}

describe('a relaxed commit', () => {
  it('is undone by a power cut until a strict one, sync or closing makes it durable', async () => {
    const engine = new RelaxedEngine();
    const afterCut = async () => keys(await createEngineStore(new MemoryEngine(new Map(engine.durable))));
    const store = await createEngineStore(engine);
    await store.commit([put('a', '1')], RELAXED);
    expect(await afterCut()).toEqual([]);
    await store.commit([put('b', '1')]);
    expect(await afterCut()).toEqual(['a', 'b']);
    await store.commit([put('c', '1')], RELAXED);
    expect(await afterCut()).toEqual(['a', 'b']);
    await store.sync?.();
    expect(await afterCut()).toEqual(['a', 'b', 'c']);
    const { calls } = engine;
    const before = calls.length;
    await store.sync?.();
    expect(calls.slice(before), 'nothing to make durable').toEqual([]);
    await store.commit([put('d', '1')], RELAXED);
    await store.close();
    expect(await afterCut()).toEqual(['a', 'b', 'c', 'd']);
  });

  it('is not known to the anchor before it is durable: a power cut is no old copy', async () => {
    const anchor = memoryAnchor();
    const engine = new RelaxedEngine();
    const store = await createEngineStore(engine, { anchor });
    await store.commit([put('a', '1')]);
    await store.commit([put('b', '1')], RELAXED);
    const cut = await createEngineStore(new MemoryEngine(new Map(engine.durable)), { anchor });
    expect(cut.continuity).toBe('continued');
    await store.sync?.();
    expect((await createEngineStore(new MemoryEngine(new Map(engine.durable)), { anchor })).continuity).toBe(
      'continued',
    );
    expect(anchor.saved).toBe(3);
  });

  it('that sync fails to make durable stays, and is made durable later', async () => {
    const engine = new RelaxedEngine();
    const store = await createEngineStore(engine);
    await store.commit([put('a', '1')], RELAXED);
    engine.nextWrite = 'not written, but fails';
    await expect(store.sync?.()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(await keys(store)).toEqual(['a']);
    await store.sync?.();
    expect([...engine.durable.keys()]).toContain('a');
  });

  it.each(['memory', 'engine', 'encrypted'])('of another durability is refused: %s', async (kind) => {
    const encrypted = () =>
      createEncryptedStore({
        store: createMemoryStore(),
        passphrase: 'correct horse',
        randomBytes: (length) => new Uint8Array(length).fill(1),
        passphraseCost: { memoryKiB: 8, passes: 1 },
      });
    const store =
      kind === 'memory'
        ? createMemoryStore()
        : await (kind === 'engine' ? createEngineStore(new MemoryEngine()) : encrypted());
    const options = { durability: 'eventual' } as unknown as typeof RELAXED;
    await expect(store.commit([put('a', '1')], options)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(await keys(store)).toEqual([]);
  });

  it.each([createLevelDbStore, createSqliteStore])(
    'is possible where commits wait for the disk, and only there: %o',
    async (create) => {
      const directory = temporaryDirectory();
      const waiting = await create({ path: join(directory, 'waiting') });
      expect(waiting.sync).toBeDefined();
      const encrypted = await createEncryptedStore({
        store: waiting,
        passphrase: 'correct horse',
        randomBytes: (length) => new Uint8Array(length).fill(1),
        passphraseCost: { memoryKiB: 8, passes: 1 },
      });
      expect(encrypted.sync).toBeDefined();
      await encrypted.close();
      const other = await create({ path: join(directory, 'other'), durability: 'process-crash' });
      expect(other.sync).toBeUndefined();
      await other.close();
    },
  );
});

describe('LevelDB', () => {
  /** Opens a real one, and notes what each batch changes and whether it waits for the disk. */
  async function noting() {
    const batches: { readonly keys: string; readonly sync: boolean }[] = [];
    const database = new ClassicLevel(join(temporaryDirectory(), 'level'));
    const noted: LevelDatabase = {
      open: () => database.open(),
      close: () => database.close(),
      get: (key, options) => database.get(key, options) as Promise<Uint8Array | undefined>,
      iterator: (options) => database.iterator(options) as never,
      batch(operations, options) {
        batches.push({ keys: operations.map(({ key }) => key).join(' '), sync: options.sync });
        return database.batch(operations as never, options);
      },
    };
    return { batches, engine: await LevelEngine.open(noted, true, 'here') };
  }
  const change = (key: string, size = 1): EngineChange => ({ key, value: new Uint8Array(size) });

  it('is given again what it has not brought to the disk, so that a log that is lost leaves no gap', async () => {
    const { batches, engine } = await noting();
    await engine.writeRelaxed?.([change('a'), change('b')]);
    await engine.writeRelaxed?.([change('c')]);
    await engine.write([change('b'), { key: 'd', value: undefined }]);
    await engine.write([change('e')]);
    expect(batches).toEqual([
      { keys: 'a b', sync: false },
      { keys: 'a b c', sync: false },
      { keys: 'a c b d', sync: true },
      { keys: 'e', sync: true },
    ]);
    await engine.close();
  });

  it('keeps copies of what it repeats', async () => {
    const { engine } = await noting();
    const value = encodeUtf8('first');
    await engine.writeRelaxed?.([{ key: 'a', value }]);
    value.fill(0);
    await engine.write([change('b')]);
    const [stored] = await engine.get(['a']);
    expect(stored && decodeUtf8(stored)).toBe('first');
    await engine.close();
  });

  it('waits for the disk once 256 KiB would have to be repeated', async () => {
    const { batches, engine } = await noting();
    await engine.writeRelaxed?.([change('a', 200_000)]);
    await engine.writeRelaxed?.([change('b', 100_000)]);
    await engine.writeRelaxed?.([change('c')]);
    expect(batches).toEqual([
      { keys: 'a', sync: false },
      { keys: 'a b', sync: true },
      { keys: 'c', sync: false },
    ]);
    await engine.close();
  });
});

describe.each(sqlites)('SQLite by $name', ({ openDatabase }) => {
  it('waits for the disk in strict commits only', async () => {
    const commits: number[] = [];
    const noting = (path: string): SqliteDatabase => {
      const database = openDatabase(path);
      return {
        exec(sql) {
          if (sql === 'COMMIT') {
            const [row] = database.prepare('PRAGMA synchronous').all() as { synchronous: number }[];
            commits.push(row?.synchronous ?? -1);
          }
          return database.exec(sql);
        },
        prepare: (sql) => database.prepare(sql),
        close: () => database.close(),
      };
    };
    const path = join(temporaryDirectory(), 'store.sqlite');
    const store = await createSqliteStore({ path, openDatabase: noting });
    commits.length = 0;
    await store.commit([put('a', '1')], RELAXED);
    await store.commit([put('a', '2')]);
    await store.commit([put('a', '3')], RELAXED);
    await store.sync?.();
    const [FULL, NORMAL] = [2, 1];
    expect(commits).toEqual([NORMAL, FULL, NORMAL, FULL]);
    await store.close();
  });
});
