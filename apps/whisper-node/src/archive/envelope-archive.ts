import { type Clock, decodeHex, isSottoError, type Logger, SerialQueue, SottoError } from '@sotto/core';
import type { PooledEnvelope } from '@sotto/whisper-transport/whisper';
import {
  ALL_ENVELOPES,
  additions,
  envelopeKey,
  positionAt,
  positionOfEnvelopeKey,
  removals,
  TOPIC_LENGTH,
  TOTALS_KEY,
  timeOf,
  totalsPut,
} from './archive-key.js';
import type { ArchivePage } from './archive-page.js';
import { type BloomQuery, readByBloom, readByTopics, type TopicQuery } from './archive-reader.js';
import { type BatchOperation, isDamage, type Level, openLevel, reasonOf, reopenLevel } from './level.js';
import { deleteRemains, endSalvage, salvage } from './salvage.js';

export interface ArchiveLimits {
  /** Seconds that envelopes are kept. */
  readonly maxAge: number;
  /** Most bytes of envelopes; the oldest are removed first. */
  readonly maxBytes: number;
  /** Most envelopes that wait to be written, or for the disk to tell whether they are there. */
  readonly maxWaiting: number;
  /** Most bytes of them. */
  readonly maxWaitingBytes: number;
}

export interface ArchiveOptions {
  /** The directory of the database. */
  readonly path: string;
  readonly limits: ArchiveLimits;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Milliseconds for which envelopes are collected into one batch: a batch costs more than its contents. */
const GATHER_MS = 20;
const PRUNE_INTERVAL_MS = 60_000;
/** Consecutive checks with a steady clock before anything is removed for its age: ten minutes. */
const STEADY_LOOKS = 10;
/** Consecutive checks after which a steady clock is enough: a day. Until then an envelope of the last day has to confirm it. */
const STEADY_ALONE_LOOKS = 1_440;
const DAY = 86_400;
/** Records removed in one batch. */
const REMOVAL_STEP = 1_000;
/** Milliseconds between two attempts to write after a failure. */
const RETRY_MS = 5_000;
/** Milliseconds between two repairs, which read everything. */
const SALVAGE_INTERVAL_MS = 3_600_000;
/** The share of the limit that is left after removing, so that not every envelope causes a removal. */
const PRUNE_TO = 0.95;

interface Waiting {
  readonly pooled: PooledEnvelope;
  readonly written: () => void;
  readonly failed: (error: Error) => void;
}

/**
 * Envelopes in LevelDB, until they are too old or too many. They are written in batches: once `add` has resolved, they survive
 * a process that is killed.
 */
export class EnvelopeArchive {
  readonly #level: Level;
  readonly #limits: ArchiveLimits;
  readonly #clock: Clock;
  readonly #logger: Logger;
  /** Seconds since the epoch: envelopes sealed before may have been stored by an earlier run. */
  #openedAt: number;
  /** When the newest envelope was sealed, in seconds since the epoch; 0 without any. */
  #newest = 0;
  /** The clock at the last check for old envelopes, in milliseconds. */
  #lookedAt: number;
  /** Number of consecutive checks with a steady clock. */
  #steadyLooks = 0;
  readonly #pending = new Map<string, Promise<void>>();
  #pendingBytes = 0;
  #waiting: Waiting[] = [];
  /** Writes run one after the other, so that the totals are right. */
  readonly #writing = new SerialQueue();
  #flushing: Promise<void> | undefined;
  #count = 0;
  #bytes = 0;
  #cancelPruning = () => {};
  /** Earliest time of the next repair. */
  #salvageAt = 0;
  /** Earliest time of the next attempt, if the last write failed. */
  #retryAt: number | undefined;
  #closed: Promise<void> | undefined;

  private constructor(level: Level, { limits, clock, logger }: ArchiveOptions) {
    this.#level = level;
    this.#limits = limits;
    this.#clock = clock;
    this.#logger = logger;
    this.#openedAt = clock.now() / 1000;
    this.#lookedAt = clock.now();
  }

  /**
   * Damage is repaired, at opening and whenever it is noticed; readable envelopes are kept.
   * @throws an Error with a text for people when the directory can't be used or another process has it
   */
  static async open(options: ArchiveOptions): Promise<EnvelopeArchive> {
    await endSalvage(options.path);
    const { level, damaged } = await openLevel(options.path, options.logger);
    await deleteRemains(options.path);
    const archive = new EnvelopeArchive(level, options);
    if (damaged) await archive.#salvage();
    else await archive.#readTotals();
    await archive.#readNewest();
    archive.#pruneLater(0);
    return archive;
  }

  /** Number of envelopes. */
  get count(): number {
    return this.#count;
  }

  /** Bytes of all envelopes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Number of envelopes that wait to be written. */
  get waiting(): number {
    return this.#pending.size;
  }

  /** Whether the last write failed: the disk is full, or broken. Writing resumes by itself. */
  get failing(): boolean {
    return this.#retryAt !== undefined;
  }

  /**
   * Adds an envelope that is new to the pool. Resolves when it is written.
   * @throws STORE_UNAVAILABLE when it can't be written, or too many are waiting
   */
  add(pooled: PooledEnvelope): Promise<void> {
    const { expiry, ttl } = pooled.envelope;
    if (expiry - ttl <= this.#openedAt) return this.addAgain(pooled);
    return this.#oncePending(pooled, () => this.#enqueue(pooled));
  }

  /** Like {@link add}, for an envelope that may be stored already. */
  addAgain(pooled: PooledEnvelope): Promise<void> {
    return this.#oncePending(pooled, () => this.#addUnlessThere(pooled));
  }

  /** @throws MALFORMED_MESSAGE for an invalid cursor; STORE_UNAVAILABLE */
  byTopics(query: TopicQuery): Promise<ArchivePage> {
    return this.#read(() => readByTopics(this.#level, query));
  }

  /** @throws STORE_UNAVAILABLE */
  byBloom(query: BloomQuery): Promise<ArchivePage> {
    return this.#read(() => readByBloom(this.#level, query));
  }

  /** Writes waiting envelopes, and releases the directory. Closing twice is fine. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#cancelPruning();
    await Promise.allSettled([...this.#pending.values()]);
    await this.#flushing;
    await this.#writing.settled();
    await this.#level.close();
  }

  // Writing

  #oncePending({ hash, bytes }: PooledEnvelope, add: () => Promise<void>): Promise<void> {
    const pending = this.#pending.get(hash);
    if (pending !== undefined) return pending;
    const { maxWaiting, maxWaitingBytes } = this.#limits;
    if (this.#pending.size >= maxWaiting || this.#pendingBytes + bytes.length > maxWaitingBytes)
      return Promise.reject(unavailable('too much waits to be written'));
    this.#pendingBytes += bytes.length;
    const tracked = add().finally(() => {
      this.#pending.delete(hash);
      this.#pendingBytes -= bytes.length;
    });
    this.#pending.set(hash, tracked);
    // Reported to the callers of `add`, and logged.
    tracked.catch(() => {});
    return tracked;
  }

  async #addUnlessThere(pooled: PooledEnvelope): Promise<void> {
    const found = await this.#read(() => this.#level.get(envelopeKey(positionOf(pooled))));
    if (found === undefined) await this.#enqueue(pooled);
  }

  async #enqueue(pooled: PooledEnvelope): Promise<void> {
    if (this.#closed !== undefined) throw unavailable('it is closed');
    await new Promise<void>((written, failed) => {
      this.#waiting.push({ pooled, written, failed });
      this.#flushing ??= this.#flush();
    });
  }

  /** Writes all waiting envelopes in one batch; meanwhile the next is collected. */
  async #flush(): Promise<void> {
    while (this.#waiting.length > 0) {
      await new Promise<void>((resolve) => this.#clock.after(GATHER_MS, resolve));
      const batch = this.#waiting;
      this.#waiting = [];
      try {
        await this.#writing.run(() => this.#write(batch));
        for (const { written } of batch) written();
      } catch (error) {
        this.#failed(error);
        for (const { failed } of batch) failed(unavailable('writing failed'));
      }
    }
    this.#flushing = undefined;
  }

  /** Logged once, and not with each envelope. */
  #failed(error: unknown): void {
    if (!this.failing) this.#logger.error('archive.write-failed', { reason: reasonOf(error) });
    const now = this.#clock.now();
    if (this.#retryAt === undefined || isDue(this.#retryAt, RETRY_MS, now)) this.#retryAt = now + RETRY_MS;
    if (isDamage(error)) this.#mendLater(error);
  }

  async #write(batch: readonly Waiting[]): Promise<void> {
    const operations = batch.flatMap(({ pooled }) =>
      additions(pooled.envelope.topic, positionOf(pooled), pooled.bytes),
    );
    const bytes = batch.reduce((sum, { pooled }) => sum + pooled.bytes.length, 0);
    if (this.#retryAt !== undefined) await this.#reopen(this.#retryAt);
    await this.#commit(operations, this.#count + batch.length, this.#bytes + bytes);
    for (const { envelope } of batch.map(({ pooled }) => pooled)) {
      this.#newest = Math.max(this.#newest, envelope.expiry - envelope.ttl);
    }
    const { maxBytes } = this.#limits;
    if (this.#bytes > maxBytes) await this.#removeOldest((_, left) => left > maxBytes * PRUNE_TO);
  }

  async #reopen(retryAt: number): Promise<void> {
    if (!isDue(retryAt, RETRY_MS, this.#clock.now())) throw new Error('it was tried a moment ago');
    await reopenLevel(this.#level);
    this.#retryAt = undefined;
    this.#logger.info('archive.opened-again', {});
  }

  // Removing

  #pruneLater(milliseconds: number): void {
    this.#cancelPruning = this.#clock.after(milliseconds, async () => {
      try {
        await this.#writing.run(async () => {
          if (!this.failing) await this.#removeOld();
        });
      } catch (error) {
        this.#failed(error);
      }
      if (this.#closed === undefined) this.#pruneLater(PRUNE_INTERVAL_MS);
    });
  }

  async #removeOld(): Promise<void> {
    const { maxAge, maxBytes } = this.#limits;
    const oldest = this.#isClockPlausible() ? Math.floor(this.#clock.now() / 1000) - maxAge : 0;
    await this.#removeOldest(
      (time, left) => this.#closed === undefined && (time < oldest || left > maxBytes),
    );
  }

  /** A clock that is wrong for a while, or jumps, must not empty the archive: deleted envelopes don't come back. */
  #isClockPlausible(): boolean {
    const now = this.#clock.now();
    const passed = now - this.#lookedAt;
    this.#lookedAt = now;
    const isSteady = Math.abs(passed - PRUNE_INTERVAL_MS) <= PRUNE_INTERVAL_MS / 2;
    this.#steadyLooks = isSteady ? this.#steadyLooks + 1 : 0;
    if (this.#steadyLooks < STEADY_LOOKS) return false;
    return this.#steadyLooks >= STEADY_ALONE_LOOKS || Math.abs(now / 1000 - this.#newest) <= DAY;
  }

  /** Removes the oldest envelopes while the predicate holds for the next one's time and the remaining bytes. */
  async #removeOldest(goes: (time: number, left: number) => boolean): Promise<void> {
    for (;;) {
      const operations: BatchOperation[] = [];
      let [count, bytes] = [this.#count, this.#bytes];
      // One after the other: the largest a thousand would fill a gigabyte.
      for await (const [key, value] of this.#level.iterator({ ...ALL_ENVELOPES, limit: REMOVAL_STEP })) {
        const position = positionOfEnvelopeKey(key);
        if (!goes(timeOf(position), bytes)) break;
        operations.push(...removals(value.slice(0, TOPIC_LENGTH), position));
        count--;
        bytes -= value.length - TOPIC_LENGTH;
      }
      if (operations.length === 0) return;
      await this.#commit(operations, count, bytes);
    }
  }

  // Helpers

  /** The totals are written together with the envelopes. */
  async #commit(operations: readonly BatchOperation[], count: number, bytes: number): Promise<void> {
    await this.#level.batch([...operations, totalsPut({ count, bytes })]);
    this.#count = count;
    this.#bytes = bytes;
  }

  async #readTotals(): Promise<void> {
    const totals = await this.#level.get(TOTALS_KEY);
    if (totals === undefined) return;
    const view = new DataView(totals.buffer, totals.byteOffset, totals.length);
    this.#count = Number(view.getBigUint64(0));
    this.#bytes = Number(view.getBigUint64(8));
  }

  async #readNewest(): Promise<void> {
    const [newest] = await this.#level.keys({ ...ALL_ENVELOPES, reverse: true, limit: 1 }).all();
    if (newest !== undefined) this.#newest = timeOf(positionOfEnvelopeKey(newest));
    // The clock may have been set back since.
    this.#openedAt = Math.max(this.#openedAt, this.#newest);
  }

  /** Repairs damage, but not too often: everything has to be read. */
  #mendLater(error: unknown): void {
    const now = this.#clock.now();
    if (!isDue(this.#salvageAt, SALVAGE_INTERVAL_MS, now)) return;
    this.#salvageAt = now + SALVAGE_INTERVAL_MS;
    this.#logger.warn('archive.damaged', { reason: reasonOf(error) });
    this.#writing.run(() => this.#salvage()).catch((failure) => this.#failed(failure));
  }

  async #salvage(): Promise<void> {
    const { count, bytes } = await salvage(this.#level);
    this.#count = count;
    this.#bytes = bytes;
    this.#retryAt = undefined;
    this.#logger.warn('archive.repaired', { envelopes: count });
  }

  async #read<T>(run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      if (isSottoError(error)) throw error;
      if (this.#closed === undefined) {
        if (isDamage(error)) this.#mendLater(error);
        else this.#logger.error('archive.read-failed', { reason: reasonOf(error) });
      }
      throw unavailable('reading failed');
    }
  }
}

/** Whether a time has come that was at most a given span away; a clock that was set back doesn't delay it. */
function isDue(at: number, atMost: number, now: number): boolean {
  return now >= at || at - now > atMost;
}

function positionOf({ envelope, hash }: PooledEnvelope): Uint8Array {
  return positionAt(envelope.expiry - envelope.ttl, decodeHex(hash));
}

function unavailable(reason: string): SottoError<'STORE_UNAVAILABLE'> {
  return new SottoError('STORE_UNAVAILABLE', `The archive is not available: ${reason}.`, { reason });
}
