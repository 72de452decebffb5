import {
  type Continuity,
  compareBytes,
  invalidArgument,
  isSottoError,
  type ListOptions,
  parseObject,
  type Revision,
  SerialQueue,
  SottoError,
  type StoreCommitOptions,
  type StoredEntry,
  type StoredRecord,
  type Write,
} from '@sotto/core';
import type { DurableStore } from './durable-store.js';
import { decodeRecord, decodeRevision, encodeRecord, encodeRevision } from './record.js';
import type { RevisionAnchor } from './revision-anchor.js';
import { Snapshot } from './snapshot.js';
import type { EngineChange, StorageEngine } from './storage-engine.js';
import {
  checkAborted,
  checkExpectation,
  closedError,
  parseCommitDurability,
  parseKey,
  parseListRange,
  parseWrites,
} from './store-arguments.js';
import {
  COMPACTED_KEY,
  decodeHeader,
  encodeHeader,
  HEADER_KEY,
  type Migration,
  readHeader,
} from './store-header.js';
import { unavailable } from './unavailable.js';

/** Records of the first page of a listing; the sizes of later ones follow the sizes of the records. */
const FIRST_PAGE = 16;
const LARGEST_PAGE = 1024;
/** Target size of a page in bytes: large enough to be worth the round trip, small enough to hold in memory. */
const PAGE_BYTES = 256 * 1024;

/**
 * Records written or deleted until a store compacts itself: about 400 messages; compacting a small store takes
 * hundredths of a second.
 */
export const DEFAULT_COMPACT_AFTER = 2000;
/**
 * Bytes that may have to be rewritten for each change: a store of 100 MB compacts itself after 6,000 changes, which amounts
 * to tenths of a millisecond for each. What is deleted stays in the files of a large store for longer.
 */
const COMPACT_BYTES_PER_CHANGE = 16 * 1024;
/** Size in bytes up to which a store is compacted whenever it is closed: rewriting that takes half a second at most. */
const COMPACT_ON_CLOSE_BYTES = 32 * 1024 * 1024;

/** Options of every store that is built on an engine. */
export interface EngineStoreOptions {
  /** Where the store's progress is also recorded, so that a loss or an old copy is detected. Default none. */
  readonly anchor?: RevisionAnchor | undefined;
  /**
   * How many records may be written or deleted until the store compacts itself, since their old contents can be read
   * from the files until then. Where compacting has to rewrite more than 16 KiB for each of them, it waits for more.
   * A store of up to 32 MiB is compacted when it is closed as well, if anything changed. `Infinity`: never by itself.
   * Default 2000.
   */
  readonly compactAfter?: number | undefined;
}

/** A failed write that may or may not have taken effect. */
interface InDoubtWrite {
  readonly changes: readonly EngineChange[];
  /** The previous values of the same keys. */
  readonly before: readonly EngineChange[];
}

/**
 * The Store on a {@link StorageEngine}. All writes go through one queue; reads run concurrently, except while
 * the engine is being reopened.
 */
export class EngineStore implements DurableStore {
  readonly continuity: Continuity;
  /** Absent where each write of the engine waits for the disk, or none does. */
  readonly sync?: () => Promise<void>;
  readonly #engine: StorageEngine;
  readonly #anchor: RevisionAnchor | undefined;
  readonly #schema: number;
  readonly #queue = new SerialQueue();
  readonly #reading = new Set<Promise<unknown>>();
  readonly #snapshots = new Set<Snapshot>();
  #revision: Revision;
  /** The last revision that is known to be on the disk. */
  #stored: Revision;
  /** Whether a power cut may still undo the last commit. */
  #relaxed = false;
  readonly #compactAfter: number;
  /** Records changed since the engine was compacted; those of earlier sessions are counted by the commit. */
  #changes: number;
  /** The number of changes at which to check whether to compact. */
  #compactAt: number;
  #inDoubt: InDoubtWrite | undefined;
  /** Whether the engine is closed because reopening it failed. */
  #down = false;
  #reopening: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  private constructor(
    engine: StorageEngine,
    anchor: RevisionAnchor | undefined,
    compactAfter: number,
    state: {
      readonly continuity: Continuity;
      readonly schema: number;
      readonly revision: Revision;
      readonly stored: Revision;
      readonly changes: number;
    },
  ) {
    this.#engine = engine;
    this.#anchor = anchor;
    this.continuity = state.continuity;
    this.#schema = state.schema;
    this.#revision = state.revision;
    this.#stored = state.stored;
    this.#compactAfter = compactAfter;
    this.#changes = state.changes;
    this.#compactAt = compactAfter;
    if (engine.writeRelaxed !== undefined) this.sync = () => this.#sync();
  }

  static async open(
    engine: StorageEngine,
    options: EngineStoreOptions,
    migrations: readonly Migration[],
  ): Promise<EngineStore> {
    try {
      const { anchor, compactAfter = DEFAULT_COMPACT_AFTER } = parseEngineStoreOptions(options);
      const header = await readHeader(engine, migrations);
      const anchored = (await anchor?.load()) ?? 0;
      const revision = header?.revision ?? 0;
      const continuity =
        anchored > revision ? (header ? 'rolled-back' : 'lost') : header ? 'continued' : 'new';
      // Revisions used by commits that are now lost are not reused.
      const state = {
        continuity,
        schema: migrations.length + 1,
        revision: Math.max(revision, anchored),
        stored: revision,
        changes: engine.compact ? revision - (await readCompacted(engine)) : 0,
      } as const;
      return new EngineStore(engine, anchor, compactAfter, state);
    } catch (error) {
      await engine.close();
      throw unavailable(error);
    }
  }

  async get(key: string): Promise<StoredRecord | undefined> {
    parseKey(key);
    this.#checkOpen();
    const [bytes] = await this.#read(() => this.#engine.get([key]));
    return bytes && decodeRecord(key, bytes);
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<StoredEntry, void> {
    const range = parseListRange(prefix, options);
    checkAborted(options.signal, 'list');
    this.#checkOpen();
    const snapshot = new Snapshot(range);
    // Between two commits, so that the listing sees each of them atomically.
    await this.#queue.run(async () => this.#snapshots.add(snapshot));
    try {
      yield* this.#listSnapshot(snapshot, range.limit, options.signal);
    } finally {
      this.#snapshots.delete(snapshot);
    }
  }

  async *#listSnapshot(
    snapshot: Snapshot,
    limit: number,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<StoredEntry, void> {
    let damage: unknown;
    let size = FIRST_PAGE;
    for (let wanted = limit, last = false; wanted > 0 && !last; ) {
      const length = Math.min(size, wanted);
      const page = await this.#read(() => this.#engine.page(snapshot.rest, length));
      if (!this.#snapshots.has(snapshot)) throw interrupted();
      last = page.length < length;
      for (const [key, bytes] of snapshot.advance(page, last)) {
        let record: StoredRecord;
        try {
          record = decodeRecord(key, bytes);
        } catch (error) {
          damage ??= error;
          continue;
        }
        checkAborted(signal, 'list');
        this.#checkOpen();
        yield { key, ...record };
        if (--wanted === 0) break;
      }
      size = nextPageSize(page, length);
    }
    checkAborted(signal, 'list');
    this.#checkOpen();
    if (damage !== undefined) throw damage;
  }

  async commit(
    writes: readonly Write[],
    { signal, durability = 'strict' }: StoreCommitOptions = {},
  ): Promise<Revision> {
    parseWrites(writes);
    parseCommitDurability(durability);
    checkAborted(signal, 'commit');
    this.#checkOpen();
    return this.#queue.run(async () => {
      checkAborted(signal, 'commit');
      try {
        return await this.#commit(writes, durability === 'relaxed');
      } catch (error) {
        throw unavailable(error);
      }
    });
  }

  async #commit(writes: readonly Write[], mayRelax: boolean): Promise<Revision> {
    await this.#resolveInDoubt();
    await this.#readInCommit(() =>
      this.#checkExpectations(writes.filter(({ expect }) => expect !== undefined)),
    );
    const revision = this.#revision + 1;
    const changes: EngineChange[] = [{ key: HEADER_KEY, value: this.#encodeHeader(revision) }];
    for (const write of writes) {
      if (write.type === 'put') changes.push({ key: write.key, value: encodeRecord(write.value, revision) });
      else if (write.type === 'delete') changes.push({ key: write.key, value: undefined });
    }
    await this.#readInCommit(() => this.#keepForSnapshots(changes));
    // From here on the revision counts as used, whether or not the write succeeds.
    this.#revision = revision;
    const relaxed = mayRelax && this.#engine.writeRelaxed !== undefined;
    try {
      await (relaxed ? this.#engine.writeRelaxed?.(changes) : this.#engine.write(changes));
    } catch (error) {
      if (this.#engine.reopen) {
        const before = await this.#current(changes).catch(() => undefined);
        if (before) this.#inDoubt = { changes, before };
        // Reading fails as well: the write can't be undone if it took effect, but the engine may recover.
        else this.#down = true;
      }
      throw error;
    }
    this.#stored = revision;
    this.#relaxed = relaxed;
    this.#countChanges(changes.length - 1);
    // An anchor must not know of what a power cut undoes: the store would seem to be rolled back.
    if (!relaxed) await this.#anchor?.save(revision).catch(() => {});
    return revision;
  }

  /** Runs the reads that a commit needs first, and retries them on the reopened engine when the database was gone. */
  async #readInCommit(run: () => Promise<void>): Promise<void> {
    try {
      await run();
    } catch (error) {
      if (this.#engine.reopen === undefined || isSottoError(error)) throw error;
      this.#down = true;
      await this.#resolveInDoubt();
      await run();
    }
  }

  async #sync(): Promise<void> {
    this.#checkOpen();
    await this.#queue.run(() => this.#writeOut());
  }

  /** Makes relaxed commits durable, by a commit without writes. */
  async #writeOut(): Promise<void> {
    if (!this.#relaxed) return;
    try {
      await this.#commit([], false);
    } catch (error) {
      throw unavailable(error);
    }
  }

  compact(): Promise<void> {
    return this.#queue.run(() => {
      this.#checkOpen();
      return this.#compact();
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#queue.run(async () => {
      await this.#resolveInDoubt().catch(() => {});
      // A failure doesn't prevent closing: what was committed is stored, and compacting is retried next time.
      await this.#compactIfDue(COMPACT_ON_CLOSE_BYTES).catch(() => {});
      await Promise.allSettled(this.#reading);
      try {
        await this.#writeOut();
      } finally {
        await this.#engine.close();
      }
    });
    return this.#closing;
  }

  /** Schedules compacting after the commits already queued, once enough has changed. */
  #countChanges(changes: number): void {
    if (!this.#engine.compact) return;
    this.#changes += changes;
    if (this.#changes < this.#compactAt) return;
    this.#compactAt = Number.POSITIVE_INFINITY;
    void this.#queue
      .run(async () => {
        if (!this.#closing) this.#compactAt = await this.#compactIfDue(0);
      })
      // Such as a full disk: retried later. What was committed is stored.
      .catch(() => {
        this.#compactAt = this.#changes + this.#compactAfter;
      });
  }

  /**
   * @param atOnce size in bytes up to which a single change is reason enough
   * @returns the number of changes at which to check again
   */
  async #compactIfDue(atOnce: number): Promise<number> {
    const never = !this.#engine.compact || this.#compactAfter === Number.POSITIVE_INFINITY;
    if (never || this.#changes === 0) return this.#compactAfter;
    const size = await this.#planCompaction();
    const worthIt = Math.max(this.#compactAfter, Math.ceil(size / COMPACT_BYTES_PER_CHANGE));
    if (this.#changes < worthIt && size > atOnce) return worthIt;
    await this.#compact();
    return this.#compactAfter;
  }

  async #planCompaction(): Promise<number> {
    try {
      await this.#resolveInDoubt();
      return (await this.#engine.planCompaction?.()) ?? 0;
    } catch (error) {
      throw unavailable(error);
    }
  }

  async #compact(): Promise<void> {
    if (!this.#engine.compact) return;
    await this.#planCompaction();
    try {
      // An engine may keep replaced values for as long as reads that began before the change are in progress.
      await Promise.allSettled(this.#reading);
      await this.#engine.compact();
      await this.#engine.write([{ key: COMPACTED_KEY, value: encodeRevision(this.#revision) }]);
      this.#changes = 0;
    } catch (error) {
      // Compacting may have failed in one of its own writes.
      this.#down = this.#engine.reopen !== undefined;
      throw unavailable(error);
    }
  }

  /** @throws STORE_CONFLICT, STORE_CORRUPT */
  async #checkExpectations(writes: readonly Write[]): Promise<void> {
    const found = await this.#current(writes);
    writes.forEach((write, i) => {
      const bytes = found[i]?.value;
      checkExpectation(write, bytes && decodeRevision(write.key, bytes));
    });
  }

  /** Passes the open snapshots the values that are about to change. */
  async #keepForSnapshots(changes: readonly EngineChange[]): Promise<void> {
    const snapshots = [...this.#snapshots];
    const needed = changes.filter(({ key }) => snapshots.some((snapshot) => snapshot.needs(key)));
    for (const { key, value } of await this.#current(needed)) {
      for (const snapshot of snapshots) snapshot.keep(key, value);
    }
  }

  /** The current values of the keys. */
  async #current(wanted: readonly { readonly key: string }[]): Promise<EngineChange[]> {
    if (wanted.length === 0) return [];
    const values = await this.#engine.get(wanted.map(({ key }) => key));
    return wanted.map(({ key }, i) => ({ key, value: values[i] }));
  }

  /**
   * After a failed write: determines from the disk whether it took effect, and undoes it if it did, since
   * its caller was told that nothing was stored.
   */
  async #resolveInDoubt(): Promise<void> {
    if (this.#inDoubt === undefined && !this.#down) return;
    this.#reopening = this.#reopen();
    try {
      await this.#reopening;
    } finally {
      this.#reopening = undefined;
    }
  }

  async #reopen(): Promise<void> {
    await Promise.allSettled(this.#reading);
    this.#down = true;
    await this.#engine.reopen?.();
    const revision = await this.#readRevision();
    if (revision < this.#stored) throw vanished();
    this.#down = false;
    if (this.#inDoubt !== undefined) {
      const { changes, before } = this.#inDoubt;
      if (isSame(await this.#current(changes), changes)) {
        // The header stays, so that the revision isn't reused.
        await this.#engine.write(before.filter(({ key }) => key !== HEADER_KEY));
      }
      this.#inDoubt = undefined;
    }
    if (revision > this.#revision) {
      // While the engine was closed, another process opened it and wrote: the snapshots of listings are invalid.
      this.#revision = revision;
      this.#snapshots.clear();
    }
  }

  async #readRevision(): Promise<Revision> {
    const [bytes] = await this.#engine.get([HEADER_KEY]);
    return bytes === undefined ? 0 : decodeHeader(bytes).revision;
  }

  async #read<T>(run: () => Promise<T>): Promise<T> {
    try {
      await this.#beforeReading();
      try {
        return await this.#underWay(run());
      } catch (error) {
        // The connection may be gone and not the data, as when a browser closes a database: then it is reopened.
        if (this.#engine.reopen === undefined || isSottoError(error) || this.#closing) throw error;
        this.#down = true;
        await this.#beforeReading();
        return await this.#underWay(run());
      }
    } catch (error) {
      throw unavailable(error);
    }
  }

  async #beforeReading(): Promise<void> {
    if (this.#down && !this.#reopening) await this.#queue.run(() => this.#resolveInDoubt());
    while (this.#reopening) await this.#reopening;
    this.#checkOpen();
  }

  /** Awaited before the engine is reopened, compacted or closed. */
  async #underWay<T>(reading: Promise<T>): Promise<T> {
    this.#reading.add(reading);
    try {
      return await reading;
    } finally {
      this.#reading.delete(reading);
    }
  }

  #encodeHeader(revision: Revision): Uint8Array {
    return encodeHeader({ schema: this.#schema, revision, progress: '' });
  }

  #checkOpen(): void {
    if (this.#closing) throw closedError();
  }
}

function nextPageSize(page: readonly (readonly [string, Uint8Array])[], length: number): number {
  const bytes = page.reduce((sum, [, value]) => sum + value.length, 1);
  const fitting = Math.floor((PAGE_BYTES * page.length) / bytes);
  return Math.max(1, Math.min(fitting, length * 4, LARGEST_PAGE));
}

function isSame(a: readonly EngineChange[], b: readonly EngineChange[]): boolean {
  return a.every(({ value }, i) => {
    const other = b[i]?.value;
    return value && other ? compareBytes(value, other) === 0 : value === other;
  });
}

/** The revision up to which the engine was compacted, 0 when it never was. */
async function readCompacted(engine: StorageEngine): Promise<Revision> {
  const [bytes] = await engine.get([COMPACTED_KEY]);
  return bytes === undefined ? 0 : decodeRevision('compacted', bytes);
}

/** @throws INVALID_ARGUMENT */
export function parseEngineStoreOptions(options: EngineStoreOptions): EngineStoreOptions {
  const { anchor, compactAfter = DEFAULT_COMPACT_AFTER } = parseObject(options, 'options');
  if (anchor !== undefined) parseObject(anchor, 'anchor', 'load', 'save');
  if (compactAfter === Number.POSITIVE_INFINITY) return options;
  if (!Number.isSafeInteger(compactAfter) || compactAfter < 1) {
    throw invalidArgument('compactAfter', 'not a whole number of at least 1, or Infinity');
  }
  return options;
}

/** The user or the browser has deleted the data of an open store, or replaced it by an old copy. */
function vanished(): SottoError<'STORE_ROLLBACK'> {
  return new SottoError(
    'STORE_ROLLBACK',
    'The store was lost, or replaced by an old copy, while it was open.',
    {
      what: 'store',
    },
  );
}

function interrupted(): SottoError<'STORE_UNAVAILABLE'> {
  const details = { reason: 'another process wrote while the store was being reopened' };
  return new SottoError('STORE_UNAVAILABLE', 'The listing was interrupted.', details);
}
