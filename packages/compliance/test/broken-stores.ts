import type { ListOptions, StoreCommitOptions, StoredEntry, StoredRecord, Write } from '@sotto/core';
import { SottoError } from '@sotto/core';
import type { StoreFixture } from '../src/store.js';
import { createFixture, Disk, ReferenceStore, type StoreClass } from './reference-store.js';

/** A store with one promise broken, and cases that have to notice it. */
export interface BrokenStore {
  readonly fault: string;
  readonly createFixture: () => StoreFixture;
  readonly caughtBy: readonly string[];
}

function broken(fault: string, Class: StoreClass, ...caughtBy: string[]): BrokenStore {
  return { fault, createFixture: () => createFixture(Class), caughtBy };
}

const pause = () => new Promise<void>((resolve) => queueMicrotask(resolve));

export const brokenStores: readonly BrokenStore[] = [
  broken(
    'keeps what slice gives, which is a view of a Buffer',
    class extends ReferenceStore {
      override copyIn(value: Uint8Array) {
        return value.slice();
      }
    },
    'bytes in: every kind of Uint8Array is copied',
  ),
  broken(
    'takes every view for bytes',
    class extends ReferenceStore {
      override checkValue(value: unknown) {
        super.checkValue(ArrayBuffer.isView(value) ? new Uint8Array(value.byteLength) : value);
      }
      override copyIn(value: Uint8Array) {
        return new Uint8Array(value);
      }
    },
    'bytes in: what is not a Uint8Array is refused, and the commit with it',
  ),
  broken(
    'forgets records with every compaction',
    class extends ReferenceStore {
      override async compact() {
        await super.compact();
        this.disk.records.clear();
      }
    },
    'compact: nothing that can be read changes',
  ),
  broken(
    'compacts while a commit is under way, and takes it back',
    class extends ReferenceStore {
      #before: Map<string, StoredRecord> | undefined;
      override async compact() {
        this.#before ??= new Map(this.disk.records);
        await super.compact();
        await pause();
        await pause();
        this.disk.records = this.#before;
      }
    },
    'compact: while others read and write',
  ),
  broken(
    'compacts when it is closed',
    class extends ReferenceStore {
      override async compact() {}
    },
    'compact: after closing it is refused with CLOSED',
  ),
  broken(
    'checks nothing in relaxed commits',
    class extends ReferenceStore {
      #relaxed = false;
      override commit(writes: readonly Write[], options: StoreCommitOptions = {}) {
        this.#relaxed = options.durability === 'relaxed';
        return super.commit(writes, options);
      }
      override checkExpectations(writes: readonly Write[]) {
        if (!this.#relaxed) super.checkExpectations(writes);
      }
    },
    'durability: a relaxed commit is there at once, whole, and refused as a strict one is',
  ),
  broken(
    'writes a relaxed commit once more when it is made durable',
    class extends ReferenceStore {
      #relaxed: readonly Write[] = [];
      override commit(writes: readonly Write[], options: StoreCommitOptions = {}) {
        if (options.durability === 'relaxed') this.#relaxed = writes;
        return super.commit(writes, options);
      }
      override async sync() {
        await super.sync();
        for (const write of this.#relaxed) this.apply(write, ++this.disk.revision);
      }
    },
    'durability: relaxed and strict commits follow one another, and sync changes nothing',
  ),
  broken(
    'makes durable what it has, open or not',
    class extends ReferenceStore {
      override async sync() {}
    },
    'durability: sync of a closed store is CLOSED',
  ),
  broken(
    'forgets relaxed commits when it is closed',
    class extends ReferenceStore {
      #durable = new Map(this.disk.records);
      override async commit(writes: readonly Write[], options: StoreCommitOptions = {}) {
        const revision = await super.commit(writes, options);
        if (options.durability !== 'relaxed') this.#durable = new Map(this.disk.records);
        return revision;
      }
      override async close() {
        this.disk.records = this.#durable;
        await super.close();
      }
    },
    'durability: what was committed relaxed is there when the store was closed',
  ),
  broken(
    'gives null for what is absent',
    class extends ReferenceStore {
      override async get(key: string) {
        return (await super.get(key)) ?? (null as never);
      }
    },
    'get: an absent record is undefined',
    'delete: the record is gone, and deleting what is absent is no error',
    'at once: of a put and a delete that expect the same, one succeeds',
  ),
  broken(
    'keeps the first value of a key',
    class extends ReferenceStore {
      override apply(write: Write, revision: number) {
        if (write.type !== 'put' || !this.disk.records.has(write.key)) super.apply(write, revision);
      }
    },
    'put: the record is there with the revision of its commit, and replaced by the next',
    'at once: the commit with the greatest revision is the one that stays',
  ),
  broken(
    'refuses to delete what is absent',
    class extends ReferenceStore {
      override apply(write: Write, revision: number) {
        if (write.type === 'delete' && !this.disk.records.has(write.key)) {
          throw new SottoError('STORE_CORRUPT', 'no such record', { what: write.key });
        }
        super.apply(write, revision);
      }
    },
    'delete: the record is gone, and deleting what is absent is no error',
  ),
  broken(
    'lets go of a listing only when it is read to completion',
    class extends ReferenceStore {
      #open = 0;
      override async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<StoredEntry, void> {
        if (++this.#open > 20)
          throw new SottoError('STORE_UNAVAILABLE', 'busy', { reason: 'too many listings' });
        for await (const entry of super.list(prefix, options)) yield entry;
        this.#open--;
      }
    },
    'list: leaving early leaves the store usable',
  ),
  broken(
    'gives revisions in one order and writes in another',
    class extends ReferenceStore {
      override async commit(writes: readonly Write[], options: { readonly signal?: AbortSignal } = {}) {
        const before = this.disk.revision;
        const revision = await super.commit(writes, options);
        const again = new Map(writes.map(({ key }) => [key, this.disk.records.get(key)]));
        if (before % 2 === 0) {
          await pause();
          for (const [key, record] of again) if (record) this.disk.records.set(key, record);
        }
        return revision;
      }
    },
    'at once: no update gets lost',
  ),
  broken(
    'stores the writes before the stale one',
    class extends ReferenceStore {
      override checkExpectations() {}
      override apply(write: Write, revision: number) {
        super.checkExpectations([write]);
        super.apply(write, revision);
      }
    },
    'commit: one stale write among many, wherever it stands, refuses them all',
    'reopen: what was expected before still is, what was refused stays out',
  ),
  broken(
    'ignores what writes expect',
    class extends ReferenceStore {
      override checkExpectations() {}
    },
    'commit: a refused commit leaves the next one as it would be',
    'revisions: a record made again has another one than before',
  ),
  broken(
    'takes "absent" for "whatever"',
    class extends ReferenceStore {
      override checkExpectations(writes: readonly Write[]) {
        super.checkExpectations(writes.filter(({ expect }) => expect !== 'absent'));
      }
    },
    'commit: a refused commit leaves the next one as it would be',
    'at once: of many commits that expect the same, one succeeds',
  ),
  broken(
    'forgets what deletes expect',
    class extends ReferenceStore {
      override checkExpectations(writes: readonly Write[]) {
        super.checkExpectations(writes.filter(({ type }) => type !== 'delete'));
      }
    },
    'commit: a stale revision is refused, for every kind of write',
    'commit: one stale write among many, wherever it stands, refuses them all',
  ),
  broken(
    'forgets checks',
    class extends ReferenceStore {
      override checkExpectations(writes: readonly Write[]) {
        super.checkExpectations(writes.filter(({ type }) => type !== 'check'));
      }
    },
    'commit: a stale revision is refused, for every kind of write',
    'commit: one stale write among many, wherever it stands, refuses them all',
  ),
  broken(
    'gives a checked record a new revision',
    class extends ReferenceStore {
      override apply(write: Write, revision: number) {
        const checked = write.type === 'check' ? this.disk.records.get(write.key) : undefined;
        if (checked) this.disk.records.set(write.key, { ...checked, revision });
        super.apply(write, revision);
      }
    },
    'commit: an empty commit and one of checks change nothing',
    'commit: what is expected and found is stored',
  ),
  broken(
    'says who is stale, but names another record',
    class extends ReferenceStore {
      override checkExpectations(writes: readonly Write[]) {
        try {
          super.checkExpectations(writes);
        } catch {
          throw new SottoError('STORE_CONFLICT', 'stale', { key: 'somewhere' });
        }
      }
    },
    'commit: a stale revision is refused, for every kind of write',
  ),
  broken(
    'counts revisions record by record',
    class extends ReferenceStore {
      override apply(write: Write, _revision: number) {
        super.apply(write, (this.disk.records.get(write.key)?.revision ?? 0) + 1);
      }
    },
    'list: entries carry value and revision',
    'at once: commits of different records all succeed, each with its own revision',
  ),
  broken(
    'finds the next revision by looking for the greatest that is stored',
    class extends ReferenceStore {
      override nextRevision() {
        return Math.max(0, ...[...this.disk.records.values()].map(({ revision }) => revision)) + 1;
      }
    },
    'commit: an empty commit and one of checks change nothing',
    'revisions: a record made again has another one than before',
  ),
  broken(
    'counts revisions anew after reopening',
    class extends ReferenceStore {
      #revision = 0;
      override nextRevision() {
        return ++this.#revision;
      }
    },
    'reopen: revisions go on growing, also when what had the last one is gone',
  ),
  broken(
    'does not count commits that only delete',
    class extends ReferenceStore {
      override nextRevision(writes: readonly Write[]) {
        return writes.some(({ type }) => type === 'put') ? super.nextRevision(writes) : this.disk.revision;
      }
    },
    'delete: the record is gone, and deleting what is absent is no error',
    'commit: an empty commit and one of checks change nothing',
  ),
  broken(
    'keeps the caller bytes instead of a copy',
    class extends ReferenceStore {
      override copyIn(value: Uint8Array) {
        return value;
      }
    },
    'bytes in: borrowed, copied, and not changed',
  ),
  broken(
    'keeps the whole buffer behind the bytes',
    class extends ReferenceStore {
      override copyIn(value: Uint8Array) {
        return new Uint8Array(value.buffer.slice(0));
      }
    },
    'bytes in: borrowed, copied, and not changed',
  ),
  broken(
    'hands out its own bytes',
    class extends ReferenceStore {
      override copyOut(value: Uint8Array) {
        return value;
      }
    },
    'bytes out: fresh plain Uint8Arrays',
  ),
  broken(
    'hands out Buffers',
    class extends ReferenceStore {
      override copyOut(value: Uint8Array) {
        return Buffer.from(value);
      }
    },
    'bytes out: fresh plain Uint8Arrays',
  ),
  broken(
    'takes an empty value for a deletion',
    class extends ReferenceStore {
      override apply(write: Write, revision: number) {
        const empty = write.type === 'put' && write.value.length === 0;
        super.apply(empty ? { type: 'delete', key: write.key } : write, revision);
      }
    },
    'values: empty, every byte, 64 KiB',
  ),
  broken(
    'keeps values as text',
    class extends ReferenceStore {
      override copyIn(value: Uint8Array) {
        return new TextEncoder().encode(new TextDecoder().decode(value));
      }
    },
    'values: empty, every byte, 64 KiB',
    'values: 64 values of 64 KiB in one commit',
  ),
  broken(
    'cuts values at 1 MiB',
    class extends ReferenceStore {
      override copyIn(value: Uint8Array) {
        return value.slice(0, 1 << 20);
      }
    },
    'values: the largest is kept, a larger one refused',
  ),
  broken(
    'takes values of any size',
    class extends ReferenceStore {
      override checkValue(value: unknown) {
        if (!(value instanceof Uint8Array && value.length > 1 << 24)) super.checkValue(value);
      }
    },
    'values: the largest is kept, a larger one refused',
  ),
  broken(
    'takes any text for a key',
    class extends ReferenceStore {
      override checkKey(key: string) {
        if (typeof key !== 'string') super.checkKey(key);
      }
    },
    'keys: an invalid key is refused everywhere, and the commit with it',
  ),
  broken(
    'treats keys as equal whatever their case',
    class extends ReferenceStore {
      override async get(key: string) {
        return super.get(key.toLowerCase());
      }
      override apply(write: Write, revision: number) {
        super.apply({ ...write, key: write.key.toLowerCase() }, revision);
      }
    },
    'values: empty, every byte, 64 KiB',
    'keys: odd ones are keys like any other',
  ),
  broken(
    'keeps records in a plain object',
    class extends ReferenceStore {
      override async get(key: string) {
        return key in {} ? undefined : super.get(key);
      }
    },
    'keys: odd ones are keys like any other',
  ),
  broken(
    'takes a key twice, the last one counts',
    class extends ReferenceStore {
      override checkWrites(writes: readonly Write[]) {
        for (const write of writes) super.checkWrites([write]);
      }
    },
    'commit: a key that occurs twice is refused, whatever the writes',
  ),
  broken(
    'takes whatever it is given',
    class extends ReferenceStore {
      override checkWrites(writes: readonly Write[]) {
        for (const { key } of writes) this.checkKey(key);
        if (new Set(writes.map(({ key }) => key)).size < writes.length) super.checkWrites(writes);
        for (const write of writes) {
          if (write.type === 'put' && write.value instanceof Uint8Array) this.checkValue(write.value);
        }
      }
      override copyIn(value: Uint8Array) {
        return Uint8Array.from(value ?? []);
      }
    },
    'commit: nonsense is refused before anything is stored',
  ),
  broken(
    'lists in the order of insertion',
    class extends ReferenceStore {
      override order(entries: [string, StoredRecord][]) {
        return entries;
      }
    },
    'list: ascending order of character codes, whatever the order of commits',
    'size: 100000 records',
  ),
  broken(
    'lists in the order of a language',
    class extends ReferenceStore {
      override order(entries: [string, StoredRecord][]) {
        return entries.sort(([a], [b]) => a.localeCompare(b));
      }
    },
    'keys: odd ones are keys like any other',
    'list: ascending order of character codes, whatever the order of commits',
  ),
  broken(
    'ends a listing below prefix + "~"',
    class extends ReferenceStore {
      override snapshot(prefix: string, after: string) {
        return super.snapshot(prefix, after).filter(([key]) => key < `${prefix}~`);
      }
    },
    'keys: odd ones are keys like any other',
    'list: ascending order of character codes, whatever the order of commits',
  ),
  broken(
    'lists by a pattern with wildcards',
    class extends ReferenceStore {
      override snapshot(prefix: string, after: string) {
        const pattern = prefix.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/[%_]/g, '.');
        const matches = new RegExp(`^${pattern}`);
        return super.snapshot('', after).filter(([key]) => matches.test(key));
      }
    },
    'list: exactly the keys that begin with the prefix',
  ),
  broken(
    'leaves out the record whose key is the prefix',
    class extends ReferenceStore {
      override snapshot(prefix: string, after: string) {
        return super.snapshot(prefix, after).filter(([key]) => key !== prefix);
      }
    },
    'bytes out: fresh plain Uint8Arrays',
    'list: a prefix of the greatest length and the greatest characters',
  ),
  broken(
    'begins at `after` instead of behind it',
    class extends ReferenceStore {
      override snapshot(prefix: string, after: string) {
        return super.snapshot(prefix, '').filter(([key]) => key >= after);
      }
    },
    'list: begins behind `after`, wherever that lies',
    'list: stops at `limit`',
  ),
  broken(
    'begins behind `after` only if that is there',
    class extends ReferenceStore {
      override snapshot(prefix: string, after: string) {
        return super.snapshot(prefix, this.disk.records.has(after) ? after : '');
      }
    },
    'list: begins behind `after`, wherever that lies',
    'list: page by page returns everything once, also when the last one returned is deleted',
  ),
  broken(
    'takes a limit of 0 for none',
    class extends ReferenceStore {
      override list(prefix: string, { limit, ...options }: ListOptions = {}) {
        return super.list(prefix, limit ? { limit, ...options } : options);
      }
    },
    'list: stops at `limit`',
  ),
  broken(
    'lists what is there now, not what was there',
    class extends ReferenceStore {
      override async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<StoredEntry, void> {
        let { after = '', limit = Number.POSITIVE_INFINITY } = options;
        for (;;) {
          if (limit === 0) return;
          const step = await super.list(prefix, { ...options, after, limit: Math.min(1, limit) }).next();
          if (step.done) return;
          yield step.value;
          after = step.value.key;
          limit--;
        }
      }
    },
    'list: an iteration begun after a commit resolved shows it, one begun before does not',
    'list: never shows half of a commit',
  ),
  broken(
    'lists snapshots of 100 records each',
    class extends ReferenceStore {
      override async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<StoredEntry, void> {
        let { after = '', limit = Number.POSITIVE_INFINITY } = options;
        for (;;) {
          let seen = 0;
          for await (const entry of super.list(prefix, { ...options, after, limit: Math.min(100, limit) })) {
            seen++;
            after = entry.key;
            yield entry;
          }
          limit -= seen;
          if (seen < 100 || limit === 0) return;
        }
      }
    },
    'list: shows the store as of the start of the iteration',
  ),
  broken(
    'lists the old keys with the new values',
    class extends ReferenceStore {
      override async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<StoredEntry, void> {
        for await (const entry of super.list(prefix, options))
          yield { ...entry, ...(await this.get(entry.key)) };
      }
    },
    'list: an iteration begun after a commit resolved shows it, one begun before does not',
    'list: never shows half of a commit',
  ),
  broken(
    'ignores signals',
    class extends ReferenceStore {
      override checkSignal() {}
    },
    'abort: a signal that has fired stops a commit before it stores anything',
    'abort: a signal that has fired stops a listing',
  ),
  broken(
    'looks at the signal of a listing at its beginning only',
    class extends ReferenceStore {
      override async *list(prefix: string, { signal, ...options }: ListOptions = {}) {
        this.checkSignal(signal);
        yield* super.list(prefix, options);
      }
    },
    'abort: a signal that fires stops a listing where it is',
  ),
  broken(
    'looks at the signal again when the commit is done',
    class extends ReferenceStore {
      override async commit(writes: readonly Write[], options: { readonly signal?: AbortSignal } = {}) {
        const revision = await super.commit(writes, options);
        await pause();
        this.checkSignal(options.signal);
        return revision;
      }
    },
    'abort: a commit aborted meanwhile is atomic',
  ),
  broken(
    'checks, lets others run, then writes',
    class extends ReferenceStore {
      override async commit(writes: readonly Write[], options: { readonly signal?: AbortSignal } = {}) {
        this.checkWrites(writes);
        this.checkExpectations(writes);
        await pause();
        const unconditional = writes
          .filter(({ type }) => type !== 'check')
          .map(({ expect: _, ...write }) => write);
        return super.commit(unconditional as Write[], options);
      }
    },
    'at once: of many commits that expect the same, one succeeds',
    'at once: no update gets lost',
  ),
  broken(
    'writes the parts of a commit one after another',
    class extends ReferenceStore {
      override async commit(writes: readonly Write[], options: { readonly signal?: AbortSignal } = {}) {
        this.checkWrites(writes);
        this.checkSignal(options.signal);
        this.checkOpen();
        this.checkExpectations(writes);
        const revision = this.nextRevision(writes);
        for (const write of writes) {
          this.apply(write, revision);
          await pause();
        }
        return revision;
      }
    },
    'list: never shows half of a commit',
  ),
  broken(
    'answers a commit before it is written',
    class extends ReferenceStore {
      override apply(write: Write, revision: number) {
        // The bytes are copied in time; only the record comes late.
        const late = write.type === 'put' ? { ...write, value: write.value.slice() } : write;
        void Promise.resolve()
          .then(pause)
          .then(pause)
          .then(() => super.apply(late, revision));
      }
    },
    'put: the record is there with the revision of its commit, and replaced by the next',
    'close: calls in progress either succeed or are refused with CLOSED',
  ),
  broken(
    'works on after closing',
    class extends ReferenceStore {
      override checkOpen() {}
    },
    'close: every call afterwards is refused with CLOSED',
    'close: does not wait for an unread listing, and ends it',
  ),
  broken(
    'ends a listing quietly when it is closed',
    class extends ReferenceStore {
      override async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<StoredEntry, void> {
        this.checkOpen();
        try {
          yield* super.list(prefix, options);
        } catch (error) {
          if (!this.closed) throw error;
        }
      }
    },
    'close: does not wait for an unread listing, and ends it',
  ),
  broken(
    'can be closed only once',
    class extends ReferenceStore {
      override async close() {
        this.checkOpen();
        await super.close();
      }
    },
    'close: every call afterwards is refused with CLOSED',
    'close: twice, sequentially and concurrently',
  ),
  {
    fault: 'closes while commits are under way, and loses what they have confirmed',
    createFixture() {
      const place = createFixture(
        class extends ReferenceStore {
          override async close() {
            if (!this.closed && this.disk.records.size > 50) this.disk.records.clear();
            await super.close();
          }
        },
      );
      return place;
    },
    caughtBy: ['close: calls in progress either succeed or are refused with CLOSED'],
  },
  {
    fault: 'forgets everything when closed',
    createFixture() {
      let disk = new Disk();
      return {
        async open() {
          if (disk.locked) throw new SottoError('STORE_LOCKED', 'locked', { where: 'disk' });
          disk = new Disk();
          disk.locked = true;
          return new ReferenceStore(disk);
        },
      };
    },
    caughtBy: [
      'close: calls in progress either succeed or are refused with CLOSED',
      'reopen: records, values and revisions are as they were',
    ],
  },
  {
    fault: 'loses the values when closed',
    createFixture: () =>
      createFixture(
        class extends ReferenceStore {
          override async close() {
            for (const record of this.disk.records.values()) record.value.fill(0);
            await super.close();
          }
        },
      ),
    caughtBy: [
      'reopen: records, values and revisions are as they were',
      'reopen: 64 KiB values are as they were',
    ],
  },
  {
    fault: 'lets two stores work in one place',
    createFixture() {
      const disk = new Disk();
      return { open: async () => new ReferenceStore(disk) };
    },
    caughtBy: [
      'lock: the second is refused with STORE_LOCKED, and the first is unaffected',
      'lock: of many that open concurrently, one succeeds',
    ],
  },
  {
    fault: 'lets those in who come at once',
    createFixture() {
      const disk = new Disk();
      return {
        async open() {
          const { locked } = disk;
          await pause();
          if (locked) throw new SottoError('STORE_LOCKED', 'locked', { where: 'disk' });
          disk.locked = true;
          return new ReferenceStore(disk);
        },
      };
    },
    caughtBy: ['lock: of many that open concurrently, one succeeds'],
  },
  broken(
    'gives up at 50,000 records',
    class extends ReferenceStore {
      override snapshot(prefix: string, after: string) {
        return super.snapshot(prefix, after).slice(0, 50_000);
      }
    },
    'size: 100000 records',
  ),
];
