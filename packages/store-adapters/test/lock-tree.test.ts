import { sha256 } from '@noble/hashes/sha2.js';
import { base64urlnopad } from '@scure/base';
import { concatBytes, encodeHex, type Store, type Write } from '@sotto/core';
import { repetitions } from '@sotto/testing/long';
import { randomBytes } from '@sotto/testing/random';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createLock } from '../src/encrypted/lock.js';
import { LockTree, openLocked, type RootKey } from '../src/encrypted/lock-tree.js';
import { encodeVersion, RecordSealer } from '../src/encrypted/sealed-record.js';
import { createMemoryStore } from '../src/memory.js';

const RECORDS = repetitions(4_000, 20_000);

/** Names that share a first leaf: a thousandth of the records of a large store. */
function nameOf(number: number, lead: readonly [number, number] = [0, 0]): string {
  const bytes = new Uint8Array(16);
  bytes.set(lead);
  // Spread over the digits behind the first leaf, as those of a MAC are.
  new DataView(bytes.buffer).setUint32(2, Math.imul(number, 0x9e3779b1));
  new DataView(bytes.buffer).setUint32(12, number);
  return base64urlnopad.encode(bytes);
}

class Bed {
  readonly #cachedNodes: number | undefined;
  /** Resolves before a node is read. */
  ready: Promise<void> = Promise.resolve();
  /** Nodes read from the store. */
  reads = 0;
  readonly store: Store = this.#counting(createMemoryStore());
  readonly rootKey: RootKey = { dataKey: randomBytes(32), keyringVersion: 1 };
  tree!: LockTree;
  written: readonly Write[] = [];

  private constructor(cachedNodes: number | undefined) {
    this.#cachedNodes = cachedNodes;
  }

  static async make(cachedNodes?: number): Promise<Bed> {
    const bed = new Bed(cachedNodes);
    const { tree, write } = LockTree.create(bed.store, randomBytes, bed.rootKey, cachedNodes);
    bed.tree = tree;
    await bed.store.commit([write]);
    return bed;
  }

  async change(records: readonly { readonly name: string; readonly deleted: boolean }[]): Promise<number> {
    const version = this.tree.version + 1;
    const { writes, apply } = await this.tree.stage(
      version,
      records.map(({ name, deleted }) => ({
        name,
        lock: deleted ? undefined : createLock(version, randomBytes),
      })),
    );
    await this.store.commit(writes);
    apply();
    this.written = writes;
    return version;
  }

  put(names: readonly string[]): Promise<number> {
    return this.change(names.map((name) => ({ name, deleted: false })));
  }

  async reload(): Promise<void> {
    this.tree = (await LockTree.load(this.store, randomBytes, this.rootKey, this.#cachedNodes)).tree;
  }

  async versionOf(name: string): Promise<number | undefined> {
    return (await this.tree.lockOf(name))?.version;
  }

  #counting(store: Store): Store {
    return {
      get: async (key) => {
        this.reads++;
        const { ready } = this;
        const record = await store.get(key);
        await ready;
        return record;
      },
      list: (prefix, options) => store.list(prefix, options),
      commit: (writes, options) => store.commit(writes, options),
      close: () => store.close(),
    };
  }

  async nodes(): Promise<Map<string, Uint8Array>> {
    const found = new Map<string, Uint8Array>();
    for await (const { key, value } of this.store.list('v')) found.set(key, value);
    return found;
  }
}

describe('the tree of locks', () => {
  it.each([
    ['all of it in memory', undefined],
    ['eight nodes of it in memory', 8],
  ])(
    'knows the version of each record, whatever was written, deleted and read again: %s',
    async (_, cachedNodes) => {
      const change = fc.record({ number: fc.nat(300), far: fc.boolean(), deleted: fc.boolean() });
      const step = fc.record({
        changes: fc.array(change, { minLength: 1, maxLength: 120 }),
        reload: fc.boolean(),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), async (steps) => {
          const bed = await Bed.make(cachedNodes);
          const model = new Map<string, number>();
          for (const { changes, reload } of steps) {
            const named = new Map(
              changes.map(({ number, far, deleted }) => [nameOf(number, far ? [255, 255] : [0, 0]), deleted]),
            );
            const version = await bed.change([...named].map(([name, deleted]) => ({ name, deleted })));
            for (const [name, deleted] of named) {
              if (deleted) model.delete(name);
              else model.set(name, version);
            }
            if (reload) await bed.reload();
            for (let number = 0; number <= 300; number++) {
              for (const lead of [
                [0, 0],
                [255, 255],
              ] as const) {
                const name = nameOf(number, lead);
                expect(await bed.versionOf(name)).toBe(model.get(name));
              }
            }
          }
        }),
        { numRuns: 25 },
      );
    },
  );

  it('has large leaves grow into branches, so that a commit writes little however many records there are', async () => {
    const bed = await Bed.make();
    const names = Array.from({ length: RECORDS }, (_, number) => nameOf(number));
    await bed.put(names);
    expect([...(await bed.nodes()).keys()].every((key) => /^v(\/[0-3][0-9])*$/.test(key))).toBe(true);
    await bed.reload();
    await bed.put([names[7] as string]);
    const sizes = bed.written.map((write) => (write.type === 'put' ? write.value.length : 0));
    // Root, five branches, and the leaf.
    expect(sizes.length).toBeLessThanOrEqual(7);
    expect(sizes.reduce((sum, size) => sum + size)).toBeLessThan(6_000);
    await bed.reload();
    expect(await bed.versionOf(names[7] as string)).toBe(3);
    expect(await bed.versionOf(names[8] as string)).toBe(2);
    expect(await bed.versionOf(nameOf(RECORDS))).toBeUndefined();
  });

  it('reads each node about once while records are looked up in order of their names, however few it keeps', async () => {
    const bed = await Bed.make(64);
    const names = Array.from({ length: RECORDS }, (_, number) => nameOf(number)).sort();
    await bed.put(names);
    await bed.reload();
    bed.reads = 0;
    for (const name of names) expect(await bed.versionOf(name)).toBe(2);
    const nodes = (await bed.nodes()).size;
    expect(bed.reads).toBeLessThan(1.5 * nodes);
    // Those in the middle are no longer in memory, and what was used last is.
    bed.reads = 0;
    await bed.versionOf(names.at(-1) as string);
    expect(bed.reads).toBe(0);
    await bed.versionOf(names[RECORDS / 2] as string);
    expect(bed.reads).toBeGreaterThan(0);
  });

  it('keeps no node that was read before a commit and arrives after it', async () => {
    const bed = await Bed.make(1);
    const [name, other] = [nameOf(1), nameOf(1, [255, 255])];
    await bed.put([name, other]);
    await bed.reload();
    let arrive = () => {};
    bed.ready = new Promise((resolve) => {
      arrive = resolve;
    });
    const early = bed.versionOf(name);
    bed.ready = Promise.resolve();
    await bed.put([name]);
    // Removes what that commit has left in memory.
    await bed.put([other]);
    arrive();
    await early.catch(() => {});
    expect(await bed.versionOf(name)).toBe(3);
  });

  it('leaves nothing but its root when all records are deleted', async () => {
    const bed = await Bed.make();
    const names = Array.from({ length: 500 }, (_, number) => nameOf(number));
    await bed.put(names);
    await bed.reload();
    await bed.change(names.map((name) => ({ name, deleted: true })));
    expect([...(await bed.nodes()).keys()]).toEqual(['v']);
    await bed.put(names.slice(0, 1));
    await bed.reload();
    expect(await bed.versionOf(names[0] as string)).toBe(4);
    expect(await bed.versionOf(names[1] as string)).toBeUndefined();
  });

  it('issues new keys for each record and each node on its path: nothing old opens from the root', async () => {
    const bed = await Bed.make();
    const names = Array.from({ length: 40 }, (_, number) => nameOf(number));
    await bed.put(names);
    const before = await bed.nodes();
    const old = await bed.tree.lockOf(names[0] as string);
    const kept = await bed.tree.lockOf(names[1] as string);
    await bed.change([{ name: names[0] as string, deleted: true }]);
    await bed.reload();
    const all = await Promise.all(names.map((name) => bed.tree.lockOf(name)));
    expect(all[0]).toBeUndefined();
    expect(all[1]).toEqual(kept);
    const keys = all.map((lock) => lock && encodeHex(lock.key));
    expect(keys).not.toContain(encodeHex(old!.key));
    // Each old node but the root is sealed under a key that was in the node above it alone.
    const changed = bed.written.map(({ key }) => key).filter((key) => key !== 'v');
    expect(changed.length).toBeGreaterThanOrEqual(2);
    for (const key of changed) {
      await bed.store.commit([{ type: 'put', key, value: before.get(key)! }]);
      await bed.reload();
      await expect(bed.tree.lockOf(names[0] as string)).rejects.toMatchObject({ code: 'STORE_ROLLBACK' });
    }
  });

  it.each([3, 2, 1])('detects a restored node of depth %i', async (depth) => {
    const bed = await Bed.make();
    const names = Array.from({ length: 200 }, (_, number) => nameOf(number));
    await bed.put(names);
    const before = await bed.nodes();
    await bed.put(names.slice(0, 1));
    const old = [...before].filter(([key]) => key.split('/').length > depth);
    const changed = new Set(bed.written.map(({ key }) => key));
    const back = old.filter(([key]) => changed.has(key));
    expect(back.map(([, value]) => encodeHex(value))).not.toHaveLength(0);
    await bed.store.commit(back.map(([key, value]) => ({ type: 'put', key, value })));
    await bed.reload();
    await expect(bed.versionOf(names[0] as string)).rejects.toMatchObject({
      code: 'STORE_ROLLBACK',
    });
  });

  it('detects an older keyring also by what is sealed, and not only by what stands beside it', async () => {
    const bed = await Bed.make();
    const { value } = (await bed.store.get('v'))!;
    const other = { ...bed.rootKey, keyringVersion: 5 };
    await expect(LockTree.load(bed.store, randomBytes, other)).rejects.toMatchObject({
      code: 'STORE_ROLLBACK',
      details: { what: 'keyring' },
    });
    const rest = value.slice(8);
    rest.set(encodeVersion(5));
    const forged = concatBytes(sha256(rest).subarray(0, 8), rest);
    await bed.store.commit([{ type: 'put', key: 'v', value: forged }]);
    await expect(LockTree.load(bed.store, randomBytes, other)).rejects.toMatchObject({
      code: 'STORE_ROLLBACK',
      details: { what: 'keyring' },
    });
  });

  it('is damaged, and no more than that, when its root is cut off behind a right checksum', async () => {
    const bed = await Bed.make();
    for (const rest of [new Uint8Array(0), new Uint8Array(7), new Uint8Array(8)]) {
      rest[7] = 1;
      const value = concatBytes(sha256(rest).subarray(0, 8), rest);
      await bed.store.commit([{ type: 'put', key: 'v', value }]);
      await expect(bed.reload()).rejects.toMatchObject({
        code: 'STORE_CORRUPT',
        details: { what: 'version index' },
      });
    }
  });

  it('opens nothing that says it is newer, or older, than its lock', () => {
    const lock = createLock(7, randomBytes);
    const sealed = (version: number) =>
      new RecordSealer(lock.key, randomBytes).seal('r/1', version, Uint8Array.of(5));
    const opened = (version: number) => openLocked('r/1', sealed(version), lock, 'it', randomBytes);
    expect(opened(7)).toEqual(Uint8Array.of(5));
    for (const version of [6, 8]) {
      expect(() => opened(version)).toThrow(
        expect.objectContaining({ code: 'STORE_ROLLBACK', details: { what: 'it' } }),
      );
    }
  });

  it('leaves no key in memory when it is destroyed', async () => {
    const bed = await Bed.make();
    await bed.put([nameOf(1)]);
    await bed.reload();
    const lock = (await bed.tree.lockOf(nameOf(1)))!;
    expect(lock.key).not.toEqual(new Uint8Array(32));
    bed.tree.destroy();
    expect(lock.key).toEqual(new Uint8Array(32));
  });

  it('begins anew where a grown branch is damaged, and goes on', async () => {
    const bed = await Bed.make();
    const names = Array.from({ length: 200 }, (_, number) => nameOf(number));
    await bed.put(names);
    await bed.store.commit([{ type: 'put', key: 'v/00/00', value: randomBytes(80) }]);
    await bed.reload();
    await expect(bed.versionOf(names[0] as string)).rejects.toMatchObject({
      code: 'STORE_CORRUPT',
    });
    await bed.put(names.slice(0, 1));
    await bed.reload();
    expect(await bed.versionOf(names[0] as string)).toBe(3);
    const [other] = names.slice(1).filter((name) => name.slice(0, 6) !== (names[0] as string).slice(0, 6));
    expect(await bed.versionOf(other as string)).toBeUndefined();
  });
});
