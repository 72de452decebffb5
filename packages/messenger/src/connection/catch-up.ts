import { type Channel, errorName, type TransportStatus } from '@sotto/core';
import type { MessengerContext } from '../runtime/context.js';
import { historyTable } from '../storage/tables.js';
import type { Subscriptions } from './subscriptions.js';

/** How often our clock is checked for jumps. */
const CLOCK_CHECK_MS = 60_000;

/**
 * Least time between two queries of history because the network's time is another one than was thought: peers and nodes could make it change
 * without end.
 */
const SKEW_QUERY_MS = 60_000;

/** Waits before history that failed is queried again, doubling from the first to the longest. */
const FIRST_RETRY_MS = 30_000;
const LONGEST_RETRY_MS = 10 * 60_000;

/** What history could not be queried for. */
interface MissedHistory {
  readonly channels: readonly Channel[];
  /** Milliseconds since the epoch. */
  readonly from: number;
}

/** Queries history for what was sent while we were not connected. */
export class CatchUp {
  readonly #context: MessengerContext;
  readonly #subscriptions: Subscriptions;
  /** Whether everything sent to us so far was received, as far as history can tell. */
  #caughtUp = false;
  /** How many times the connection was lost. */
  #losses = 0;
  /** Milliseconds since the epoch: the latest sending time claimed by anyone else. */
  #latestSentAt = 0;
  /** When the connection was lost in this run, by our clock; `undefined` when the clock was set since. */
  #lostAt: number | undefined;
  /** How far our clock is ahead, in milliseconds, as the transport reports; `undefined` while it reports nothing. */
  #skewMs: number | undefined;
  /** Our clock at its last check; `undefined` before the first. */
  #checkedAt: number | undefined;
  /** Of accepted requests, what could not be fetched yet. */
  readonly #missed: MissedHistory[] = [];
  #retryMs = FIRST_RETRY_MS;
  /** In the last while: whether history was queried because of the network's time, and is to be once more when that is over. */
  #skewQuery: 'none' | 'done' | 'due' = 'none';
  #tail: Promise<unknown> = Promise.resolve();

  constructor(context: MessengerContext, subscriptions: Subscriptions) {
    this.#context = context;
    this.#subscriptions = subscriptions;
  }

  /** Remembers when the connection was lost: what was sent since is queried when it is back. */
  followConnection(status: TransportStatus): void {
    const { runtime, settings } = this.#context;
    if (this.#subscriptions.connection?.history === undefined || runtime.closed) return;
    if (status === 'connected') this.begin();
    if (status === 'reconnecting') this.#losses++;
    if (status !== 'reconnecting' || !this.#caughtUp) return;
    this.#caughtUp = false;
    this.#noticeJump();
    this.#lostAt = settings.clock.now();
    const completeUntil = this.#provenTime();
    if (completeUntil === undefined) return;
    runtime.inBackground(runtime.transaction(async (tx) => tx.put(historyTable, { completeUntil })));
  }

  /** Checks our clock from now on. When it was set, or the machine slept, history may have been queried for the wrong time. */
  #watchClock(): void {
    const { runtime, settings } = this.#context;
    this.#checkedAt = settings.clock.now();
    runtime.schedule('clock', CLOCK_CHECK_MS, () => {
      if (this.#noticeJump()) this.#queryAgain();
      this.#watchClock();
    });
  }

  /**
   * Detects that our clock was set during this run: earlier readings, and what was reported about it, no longer apply.
   */
  #noticeJump(): boolean {
    const now = this.#context.settings.clock.now();
    const elapsed = now - (this.#checkedAt ?? now);
    if (elapsed >= 0 && elapsed <= 2 * CLOCK_CHECK_MS) return false;
    this.#checkedAt = now;
    this.#lostAt = undefined;
    this.#skewMs = undefined;
    return true;
  }

  /**
   * Notes the sending times that others claim: our own clock may be ahead, so neither it nor our own messages prove what
   * was received.
   */
  noteSentAt(sentAt: number): void {
    if (sentAt > this.#latestSentAt) this.#latestSentAt = sentAt;
  }

  /**
   * Notes how far our clock is ahead of other clocks, in milliseconds. When that has changed, what arrived before may have been
   * dropped as being of another time, so history is queried for it.
   */
  noteSkew(skewMs: number): void {
    const isNew = skewMs !== (this.#skewMs ?? 0);
    const hasJumped = this.#noticeJump();
    this.#skewMs = skewMs;
    if (isNew || hasJumped) this.#queryForSkew();
  }

  /** Queries history now, or once there was none for a while. */
  #queryForSkew(): void {
    if (this.#skewQuery !== 'none') {
      this.#skewQuery = 'due';
      return;
    }
    this.#queryAgain();
    this.#skewQuery = 'done';
    this.#context.runtime.schedule('skew', SKEW_QUERY_MS, () => {
      const isDue = this.#skewQuery === 'due';
      this.#skewQuery = 'none';
      if (isDue) this.#queryForSkew();
    });
  }

  #queryAgain(): void {
    this.#caughtUp = false;
    this.begin();
  }

  /**
   * The time up to which everything was received, in milliseconds since the epoch, by more than our own clock: corrected by
   * what the transport reports, or the latest time that anyone else has claimed.
   */
  #provenTime(): bigint | undefined {
    this.#noticeJump();
    const now = this.#context.settings.clock.now();
    const corrected = this.#skewMs === undefined ? undefined : now - Math.max(0, this.#skewMs);
    const proven = corrected ?? Math.min(now, this.#latestSentAt);
    return proven > 0 ? BigInt(Math.trunc(proven)) : undefined;
  }

  /** Fetches what was sent on some channels since a time in milliseconds since the epoch, in the background, until it succeeds. */
  fetch(channels: readonly Channel[], from: number): void {
    if (this.#subscriptions.connection?.history === undefined) return;
    const run = this.#request(channels, from).then((isComplete) => {
      if (!isComplete) this.#retryLater({ channels, from });
    });
    this.#context.runtime.inBackground(run);
  }

  #retryLater(...missed: readonly MissedHistory[]): void {
    const { runtime } = this.#context;
    this.#missed.push(...missed);
    runtime.schedule('history', this.#retryMs, () => {
      this.begin();
      for (const { channels, from } of this.#missed.splice(0)) this.fetch(channels, from);
    });
    this.#retryMs = Math.min(2 * this.#retryMs, LONGEST_RETRY_MS);
  }

  /** Runs in the background, one query after another; does nothing when nothing is missing, or there is no history. */
  begin(): void {
    if (this.#checkedAt === undefined) this.#watchClock();
    const run = this.#tail.then(() => this.#fetchHistory());
    this.#tail = run.catch(() => undefined);
    this.#context.runtime.inBackground(run);
  }

  async #fetchHistory(): Promise<void> {
    const { runtime, settings } = this.#context;
    if (this.#caughtUp || this.#subscriptions.connection?.history === undefined) return;
    const losses = this.#losses;
    this.#noticeJump();
    const now = settings.clock.now();
    const provenBefore = this.#provenTime();
    const record = await runtime.read((tx) => tx.get(historyTable));
    const completeUntil = Number(record?.completeUntil ?? 0n);
    // A time in the future came from a clock that was ahead.
    const since = Math.max(completeUntil > now ? 0 : completeUntil, this.#lostAt ?? 0);
    // Clocks differ, so the ranges overlap; duplicates are detected.
    const from = since > now ? 0 : since - settings.limits.maxClockAheadMs;
    if (!(await this.#request(this.#subscriptions.channels(), from))) {
      this.#retryLater();
      return;
    }
    this.#retryMs = FIRST_RETRY_MS;
    // A query may take hours. What was sent while the connection was lost meanwhile is later than what was asked for.
    const isWhole = losses === this.#losses;
    const proven = isWhole ? this.#provenTime() : provenBefore;
    if (proven !== undefined && (completeUntil > now || Number(proven) > completeUntil)) {
      await runtime.transaction(async (tx) => tx.put(historyTable, { completeUntil: proven }));
    }
    // If the connection was lost since, there is another gap.
    this.#caughtUp = losses === this.#losses;
  }

  /** Queries history. @returns whether it was read completely */
  async #request(channels: readonly Channel[], from: number): Promise<boolean> {
    const { clock, limits, logger } = this.#context.settings;
    const { connection } = this.#subscriptions;
    if (connection?.history === undefined) return false;
    const now = clock.now();
    // A time in the future came from a clock that was ahead.
    const since = from > now ? 0 : from;
    const to = now + limits.maxClockAheadMs;
    try {
      await connection.history({ channels, from: Math.max(since, now - limits.historyMaxMs), to });
      return true;
    } catch (error) {
      logger.warn('history not complete', { error: errorName(error) });
      return false;
    }
  }
}
