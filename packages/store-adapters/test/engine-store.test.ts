import { storeCases } from '@sotto/compliance/store';
import { decodeUtf8, encodeUtf8, type Store, type Write } from '@sotto/core';
import { describe, expect, it } from 'vitest';
import { createEngineStore } from '../src/engine.js';
import { EngineStore } from '../src/engine-store.js';
import { encodeHeader, HEADER_KEY, type Migration } from '../src/store-header.js';
import { DoubtfulEngine, type Fault, MemoryEngine } from './memory-engine.js';

const put = (key: string, text: string): Write => ({ type: 'put', key, value: encodeUtf8(text) });

async function texts(store: Store, prefix = ''): Promise<string[]> {
  const found: string[] = [];
  for await (const { key, value } of store.list(prefix)) found.push(`${key}=${decodeUtf8(value)}`);
  return found;
}

describe('a store on an engine without snapshots', () => {
  it.each(storeCases({ exclusive: false, records: 3000 }))('$name', async ({ run }) => {
    const pairs = new Map<string, Uint8Array>();
    await run({ open: () => createEngineStore(new MemoryEngine(pairs)) });
  });
});

describe('a write that fails', () => {
  it('is STORE_UNAVAILABLE, nothing has happened, and the work goes on', async () => {
    const engine = new MemoryEngine();
    const store = await createEngineStore(engine);
    const first = await store.commit([put('a', '1')]);
    engine.nextWrite = 'not written, but fails';
    await expect(store.commit([put('a', '2')])).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      details: { reason: 'EIO' },
    });
    expect(await texts(store)).toEqual(['a=1']);
    expect(await store.commit([{ ...put('a', '3'), expect: first } as Write])).toBeGreaterThan(first);
    expect(await texts(store)).toEqual(['a=3']);
  });

  describe.each<Fault>(['not written, but fails', 'written, but fails'])('%s', (fault) => {
    async function failingStore() {
      const engine = new DoubtfulEngine();
      const store = await createEngineStore(engine);
      await store.commit([put('a', '1'), put('b', '1')]);
      engine.nextWrite = fault;
      const writes: Write[] = [put('a', '2'), { type: 'delete', key: 'b' }, put('c', '2')];
      await expect(store.commit(writes)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
      return { engine, store };
    }

    it('is undone before the next write', async () => {
      const { engine, store } = await failingStore();
      expect(await texts(store, 'a')).toEqual(['a=1']);
      const revision = await store.commit([put('d', '3')]);
      expect(revision).toBe(3);
      expect(await texts(store)).toEqual(['a=1', 'b=1', 'd=3']);
      expect(engine.calls.filter((call) => call === 'reopen')).toHaveLength(1);
      await store.close();
      const reopened = await createEngineStore(new DoubtfulEngine(engine.pairs));
      expect(await texts(reopened)).toEqual(['a=1', 'b=1', 'd=3']);
    });

    it('is undone when the store is closed', async () => {
      const { engine, store } = await failingStore();
      await store.close();
      expect(await texts(await createEngineStore(new MemoryEngine(engine.pairs)))).toEqual(['a=1', 'b=1']);
    });

    it('keeps failing as long as the engine can not be opened again, then goes on', async () => {
      const { engine, store } = await failingStore();
      engine.failingReopens = 3;
      await expect(store.commit([put('d', '3')])).rejects.toMatchObject({
        code: 'STORE_UNAVAILABLE',
        details: { reason: 'ENOSPC' },
      });
      await expect(store.get('a')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
      await expect(texts(store)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
      const reads = await Promise.all([store.get('a'), store.get('b'), store.get('c')]);
      expect(reads.map((record) => record && decodeUtf8(record.value))).toEqual(['1', '1', undefined]);
      await store.commit([put('d', '3')]);
      expect(await texts(store)).toEqual(['a=1', 'b=1', 'd=3']);
    });

    it('leaves a listing in progress as it was', async () => {
      const engine = new DoubtfulEngine();
      const store = await createEngineStore(engine);
      const keys = Array.from({ length: 100 }, (_, i) => `k${100 + i}`);
      await store.commit(keys.map((key) => put(key, 'old')));
      const seen: string[] = [];
      for await (const { key, value } of store.list('')) {
        seen.push(key);
        expect(decodeUtf8(value)).toBe('old');
        if (seen.length !== 1) continue;
        engine.nextWrite = fault;
        await expect(store.commit(keys.map((key) => put(key, 'failed')))).rejects.toThrow();
        await store.commit(keys.map((key) => put(key, 'new')));
      }
      expect(seen).toEqual(keys);
      expect((await texts(store)).every((text) => text.endsWith('=new'))).toBe(true);
    });

    it('is not mistaken for what another process wrote meanwhile', async () => {
      const { engine, store } = await failingStore();
      // The engine was closed for a moment, and somebody else committed twice.
      const other = await createEngineStore(new MemoryEngine(engine.pairs));
      await other.commit([put('a', 'theirs')]);
      await other.commit([put('b', 'theirs')]);
      const listing = store.list('')[Symbol.asyncIterator]();
      await store.commit([put('d', '3')]);
      const after = await texts(store);
      expect(after).toContain('a=theirs');
      expect(after).toContain('b=theirs');
      expect(after).toContain('d=3');
      await listing.return?.();
    });
  });

  it('goes on when even reading failed for a while', async () => {
    const engine = new DoubtfulEngine();
    const store = await createEngineStore(engine);
    await store.commit([put('a', '1')]);
    engine.nextWrite = 'not written, but fails';
    engine.failingReads = 1;
    await expect(store.commit([put('a', '2')])).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(await texts(store)).toEqual(['a=1']);
    await store.commit([put('a', '3')]);
    expect(await texts(store)).toEqual(['a=3']);
  });

  it('says so when the data were cleared away under the open store, and writes nothing', async () => {
    const engine = new DoubtfulEngine();
    const store = await createEngineStore(engine);
    await store.commit([put('a', '1')]);
    engine.pairs.clear();
    engine.nextWrite = 'not written, but fails';
    await expect(store.commit([put('a', '2')])).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    await expect(store.commit([put('a', '2')])).rejects.toMatchObject({ code: 'STORE_ROLLBACK' });
    await expect(store.get('a')).rejects.toMatchObject({ code: 'STORE_ROLLBACK' });
    expect(engine.pairs.size).toBe(0);
    await store.close();
  });

  it('ends a listing when another process wrote while the engine was closed', async () => {
    const engine = new DoubtfulEngine();
    const store = await createEngineStore(engine);
    await store.commit(Array.from({ length: 100 }, (_, i) => put(`k${100 + i}`, 'old')));
    const listing = store.list('')[Symbol.asyncIterator]();
    await listing.next();
    engine.nextWrite = 'not written, but fails';
    await expect(store.commit([put('a', 'x')])).rejects.toThrow();
    const other = await createEngineStore(new MemoryEngine(engine.pairs));
    for (let i = 0; i < 3; i++) await other.commit([put('k150', 'theirs')]);
    await store.commit([put('b', 'y')]);
    const rest = async () => {
      for (let step = await listing.next(); !step.done; step = await listing.next());
    };
    await expect(rest()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });
});

describe('damage', () => {
  it('of a record is contained: the others can be read, listed and written', async () => {
    const engine = new MemoryEngine();
    const store = await createEngineStore(engine);
    await store.commit([put('a', '1'), put('b', '1'), put('c', '1')]);
    engine.pairs.set('b', new Uint8Array(3));
    await expect(store.get('b')).rejects.toMatchObject({ code: 'STORE_CORRUPT', details: { what: 'b' } });
    const seen: string[] = [];
    const listing = async () => {
      for await (const { key } of store.list('')) seen.push(key);
    };
    await expect(listing()).rejects.toMatchObject({ code: 'STORE_CORRUPT', details: { what: 'b' } });
    expect(seen).toEqual(['a', 'c']);
    await expect(store.commit([{ type: 'delete', key: 'b', expect: 1 }])).rejects.toMatchObject({
      code: 'STORE_CORRUPT',
    });
    await store.commit([{ type: 'delete', key: 'b' }, put('c', '2')]);
    expect(await texts(store)).toEqual(['a=1', 'c=2']);
  });

  it.each([
    ['a header that was cut', (pairs: Map<string, Uint8Array>) => pairs.set(HEADER_KEY, new Uint8Array(11))],
    ['a header of zeros', (pairs: Map<string, Uint8Array>) => pairs.set(HEADER_KEY, new Uint8Array(12))],
    ['records without a header', (pairs: Map<string, Uint8Array>) => pairs.delete(HEADER_KEY)],
  ])('of the whole store is told: %s', async (_, damage) => {
    const engine = new MemoryEngine();
    await (await createEngineStore(engine)).commit([put('a', '1')]);
    damage(engine.pairs);
    const second = new MemoryEngine(engine.pairs);
    await expect(createEngineStore(second)).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
    expect(second.open).toBe(false);
  });

  it('reading that fails is STORE_UNAVAILABLE', async () => {
    const engine = new MemoryEngine();
    const store = await createEngineStore(engine);
    engine.failingReads = 1;
    await expect(store.get('a')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(await store.get('a')).toBeUndefined();
    engine.failingReads = 1;
    await expect(createEngineStore(engine)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });
});

describe('the schema', () => {
  it('of newer software is refused with both versions, and nothing is changed', async () => {
    const engine = new MemoryEngine();
    await (await createEngineStore(engine)).commit([put('a', '1')]);
    engine.pairs.set(HEADER_KEY, encodeHeader({ schema: 7, revision: 1, progress: '' }));
    const before = new Map(engine.pairs);
    await expect(createEngineStore(new MemoryEngine(engine.pairs))).rejects.toMatchObject({
      code: 'STORE_SCHEMA_NEWER',
      details: { found: 7, supported: 1 },
    });
    expect(engine.pairs).toEqual(before);
  });

  /** To schema 2: every value becomes upper case, ten records a piece. To schema 3: one record is added. */
  const migrations: readonly Migration[] = [
    async (engine, progress) => {
      const page = await engine.page(
        { from: progress || ' ', exclusive: progress !== '', below: '\x7f' },
        10,
      );
      const last = page.at(-1);
      if (!last) return undefined;
      const changes = page.map(([key, value]) => ({
        key,
        value: value.map((byte, i) => (i >= 8 && byte >= 0x61 && byte <= 0x7a ? byte - 0x20 : byte)),
      }));
      return { changes, progress: last[0] };
    },
    async (engine, progress) => {
      const [, value] = (await engine.page({ from: 'k', exclusive: false, below: 'l' }, 1))[0]!;
      return progress === '' ? { changes: [{ key: 'third', value }], progress: 'added' } : undefined;
    },
  ];

  async function oldStore(): Promise<Map<string, Uint8Array>> {
    const engine = new MemoryEngine();
    const store = await createEngineStore(engine);
    await store.commit(Array.from({ length: 35 }, (_, i) => put(`k${100 + i}`, `value ${i}`)));
    return engine.pairs;
  }

  it('is brought up to date by one migration after the other', async () => {
    const pairs = await oldStore();
    const store = await EngineStore.open(new MemoryEngine(pairs), {}, migrations);
    const migrated = await texts(store);
    expect(migrated).toEqual([
      ...Array.from({ length: 35 }, (_, i) => `k${100 + i}=VALUE ${i}`),
      'third=VALUE 0',
    ]);
    expect(store.continuity).toBe('continued');
    expect(await store.commit([put('a', '1')])).toBe(2);
    await store.close();
    const again = new MemoryEngine(pairs);
    await EngineStore.open(again, {}, migrations);
    expect(again.calls).not.toContain('write');
    await expect(createEngineStore(new MemoryEngine(pairs))).rejects.toMatchObject({
      code: 'STORE_SCHEMA_NEWER',
      details: { found: 3, supported: 1 },
    });
  });

  it.each<Fault>(['not written, but fails', 'written, but fails'])(
    'an interrupted migration goes on, at whichever write it was interrupted (%s)',
    async (fault) => {
      for (let struck = 1; ; struck++) {
        const pairs = await oldStore();
        const engine = new MemoryEngine(pairs);
        let writes = 0;
        const write = engine.write.bind(engine);
        engine.write = (changes) => {
          if (++writes === struck) engine.nextWrite = fault;
          return write(changes);
        };
        const opening = EngineStore.open(engine, {}, migrations);
        if (
          await opening.then(
            () => true,
            () => false,
          )
        ) {
          expect(struck).toBe(8);
          return;
        }
        const store = await EngineStore.open(new MemoryEngine(pairs), {}, migrations);
        expect(await texts(store)).toEqual([
          ...Array.from({ length: 35 }, (_, i) => `k${100 + i}=VALUE ${i}`),
          'third=VALUE 0',
        ]);
      }
    },
  );
});

describe('a read that fails since the place is gone', () => {
  it('opens it again and is tried again, by get and by list', async () => {
    const engine = new DoubtfulEngine();
    const store = await createEngineStore(engine);
    await store.commit([put('a', '1')]);
    const reopened = () => engine.calls.filter((call) => call === 'reopen').length;
    engine.failingReads = 1;
    expect(decodeUtf8((await store.get('a'))!.value)).toBe('1');
    expect(reopened()).toBe(1);
    engine.open = false;
    expect(await texts(store)).toEqual(['a=1']);
    expect(reopened()).toBe(2);
    engine.open = false;
    engine.failingReopens = 1;
    await expect(store.get('a')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(await texts(store)).toEqual(['a=1']);
  });

  it('opens it again and is tried again, by a commit that expects something', async () => {
    const engine = new DoubtfulEngine();
    const store = await createEngineStore(engine);
    const revision = await store.commit([put('a', '1')]);
    engine.open = false;
    await store.commit([{ ...put('a', '2'), expect: revision }]);
    engine.open = false;
    await expect(store.commit([{ ...put('a', '3'), expect: revision }])).rejects.toMatchObject({
      code: 'STORE_CONFLICT',
    });
    expect(await texts(store)).toEqual(['a=2']);
    expect(engine.calls.filter((call) => call === 'reopen')).toHaveLength(2);
  });

  it('opens it again and is tried again, by a commit that keeps what a listing has still to show', async () => {
    const engine = new DoubtfulEngine();
    const store = await createEngineStore(engine);
    const keys = Array.from({ length: 100 }, (_, i) => `k${100 + i}`);
    await store.commit(keys.map((key) => put(key, 'old')));
    const seen: string[] = [];
    for await (const { key, value } of store.list('')) {
      if (seen.length === 0) {
        engine.open = false;
        await store.commit([put('k199', 'new')]);
      }
      seen.push(`${key}=${decodeUtf8(value)}`);
    }
    expect(seen).toEqual(keys.map((key) => `${key}=old`));
  });

  it('is not tried again in an engine that can not be opened again', async () => {
    const engine = new MemoryEngine();
    const store = await createEngineStore(engine);
    engine.failingReads = 1;
    await expect(store.get('a')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(await store.get('a')).toBeUndefined();
  });
});

/** An engine that counts how often it is compacted, and says how much that would cost. */
class CompactingEngine extends MemoryEngine {
  compacted = 0;
  bytes = 0;
  failing = false;

  async planCompaction(): Promise<number> {
    if (this.failing) throw new Error('no space');
    return this.bytes;
  }

  async compact(): Promise<void> {
    this.calls.push('compact');
    this.compacted++;
  }
}

describe('compacting by itself', () => {
  const MiB = 2 ** 20;

  async function open(bytes: number, compactAfter?: number, pairs?: Map<string, Uint8Array>) {
    const engine = new CompactingEngine(pairs);
    engine.bytes = bytes;
    return { engine, store: await createEngineStore(engine, compactAfter ? { compactAfter } : {}) };
  }

  it('a small store: when it is closed, if anything changed', async () => {
    const { engine, store } = await open(32 * MiB);
    await store.commit([put('a', '1')]);
    expect(engine.compacted).toBe(0);
    await store.close();
    expect(engine.compacted).toBe(1);
    const again = await open(32 * MiB, undefined, engine.pairs);
    expect(await texts(again.store)).toEqual(['a=1']);
    await again.store.close();
    expect(again.engine.compacted).toBe(0);
  });

  it('a large store: once enough has changed for what it costs, over several sessions and crashes', async () => {
    let pairs: Map<string, Uint8Array> | undefined;
    let compacted = 0;
    for (let session = 1; session <= 6; session++) {
      // 33 MiB are worth it after 2112 changes.
      const { engine, store } = await open(33 * MiB, undefined, pairs);
      for (let i = 0; i < 400; i++) await store.commit([put('a', `${i}`)]);
      if (session % 2) await store.close();
      pairs = engine.pairs;
      compacted += engine.compacted;
      expect(compacted, `session ${session}`).toBe(session < 6 ? 0 : 1);
    }
  });

  it('is tried again later where it fails, and refuses no commit and no closing', async () => {
    const { engine, store } = await open(0, 10);
    engine.failing = true;
    for (let i = 0; i < 25; i++) await store.commit([put('a', `${i}`)]);
    await expect(store.compact()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(await texts(store)).toEqual(['a=24']);
    engine.failing = false;
    for (let i = 0; i < 10; i++) await store.commit([put('a', `${i}`)]);
    expect(await texts(store)).toEqual(['a=9']);
    expect(engine.compacted).toBe(1);
    await store.commit([put('a', '10')]);
    engine.failing = true;
    await store.close();
    expect(engine.open).toBe(false);
  });

  it('counts each record of a commit', async () => {
    const { engine, store } = await open(0, 100);
    await store.commit(Array.from({ length: 99 }, (_, i) => put(`k${i}`, 'x')));
    expect(await texts(store, 'none')).toEqual([]);
    expect(engine.compacted).toBe(0);
    await store.commit([put('a', '1')]);
    expect(await texts(store, 'none')).toEqual([]);
    expect(engine.compacted).toBe(1);
  });
});

describe('the anchor', () => {
  function memoryAnchor(initial?: number) {
    return {
      saved: initial,
      async load() {
        return this.saved;
      },
      async save(revision: number) {
        this.saved = revision;
      },
    };
  }

  it('reports new, continued, rolled back and lost', async () => {
    const anchor = memoryAnchor();
    const engine = new MemoryEngine();
    const store = await createEngineStore(engine, { anchor });
    expect(store.continuity).toBe('new');
    await store.commit([put('a', '1')]);
    await store.commit([put('a', '2')]);
    const backup = new Map(engine.pairs);
    const last = await store.commit([put('a', '3')]);

    const continued = await createEngineStore(new MemoryEngine(engine.pairs), { anchor });
    expect(continued.continuity).toBe('continued');

    const restored = await createEngineStore(new MemoryEngine(backup), { anchor });
    expect(restored.continuity).toBe('rolled-back');
    expect(await restored.commit([put('a', '4')])).toBeGreaterThan(last);

    const lost = await createEngineStore(new MemoryEngine(), { anchor });
    expect(lost.continuity).toBe('lost');
    expect(await lost.commit([put('a', '5')])).toBeGreaterThan(last + 1);
  });

  it('that lags behind, as after a crash, raises no alarm', async () => {
    const engine = new MemoryEngine();
    const store = await createEngineStore(engine);
    await store.commit([put('a', '1')]);
    await store.commit([put('a', '2')]);
    const reopened = await createEngineStore(new MemoryEngine(engine.pairs), { anchor: memoryAnchor(1) });
    expect(reopened.continuity).toBe('continued');
  });

  it('that can not be written refuses no commit', async () => {
    const anchor = { load: async () => undefined, save: () => Promise.reject(new Error('full')) };
    const store = await createEngineStore(new MemoryEngine(), { anchor });
    await store.commit([put('a', '1')]);
    expect(await texts(store)).toEqual(['a=1']);
  });
});
