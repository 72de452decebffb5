import type { Channel, TransportStatus } from '@sotto/core';
import type { MessengerContext } from '../runtime/context.js';
import { errorName } from '../runtime/events.js';
import { historyTable } from '../storage/tables.js';
import type { Subscriptions } from './subscriptions.js';

/** How often we check that our clock goes on as it should. */
const CLOCK_CHECK_MS = 60_000;

/** Asks history for what was sent while we were not connected. */
export class CatchUp {
  readonly #context: MessengerContext;
  readonly #subscriptions: Subscriptions;
  /** Whether all that was sent to us so far has come, as far as history tells. */
  #caughtUp = false;
  /** How often the connection was lost. */
  #losses = 0;
  /** Milliseconds since the epoch: the latest time at which somebody else says to have sent something. */
  #latestSentAt = 0;
  /** Our clock's time when the connection was lost in this run; `undefined` when it was set since. */
  #lostAt: number | undefined;
  /** How far our clock is ahead, in milliseconds, as the transport says; `undefined` while it says nothing. */
  #skewMs: number | undefined;
  /** Our clock's time when it was checked last; `undefined` before that. */
  #checkedAt: number | undefined;
  #tail: Promise<unknown> = Promise.resolve();

  constructor(context: MessengerContext, subscriptions: Subscriptions) {
    this.#context = context;
    this.#subscriptions = subscriptions;
  }

  /** What is sent while the connection is lost is asked for when it is back. */
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

  /** Checks our clock from now on. When it was set, or we slept, history may have been asked for the wrong time. */
  #watchClock(): void {
    const { runtime, settings } = this.#context;
    this.#checkedAt = settings.clock.now();
    runtime.schedule('clock', CLOCK_CHECK_MS, () => {
      if (this.#noticeJump()) {
        this.#caughtUp = false;
        this.begin();
      }
      this.#watchClock();
    });
  }

  /**
   * Notices when our clock was set while we run: what it said before, or what was said of it, is no measure of what it says
   * now.
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
   * Notes when others say that they sent something: our own clock may be ahead, and what it says then is no proof of what
   * has come. Messages of our own are no proof either.
   */
  noteSentAt(sentAt: number): void {
    if (sentAt > this.#latestSentAt) this.#latestSentAt = sentAt;
  }

  /** Notes how far our clock is ahead of the others', in milliseconds. */
  noteSkew(skewMs: number): void {
    this.#noticeJump();
    this.#skewMs = skewMs;
  }

  /**
   * Until when all has come, in milliseconds since the epoch, by a clock that isn't ours alone: corrected by what the
   * transport says, or the latest time that anybody else has given.
   */
  #provenTime(): bigint | undefined {
    this.#noticeJump();
    const now = this.#context.settings.clock.now();
    const corrected = this.#skewMs === undefined ? undefined : now - Math.max(0, this.#skewMs);
    const proven = corrected ?? Math.min(now, this.#latestSentAt);
    return proven > 0 ? BigInt(Math.trunc(proven)) : undefined;
  }

  /** Fetches what was sent on some channels since a time in milliseconds since the epoch, in the background. */
  fetch(channels: readonly Channel[], from: number): void {
    this.#context.runtime.inBackground(this.#request(channels, from));
  }

  /** In the background, one after another; does nothing when nothing is missing, or there is no history. */
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
    const record = await runtime.read((tx) => tx.get(historyTable));
    const completeUntil = Number(record?.completeUntil ?? 0n);
    // What lies in the future was said by a clock that was ahead.
    const since = Math.max(completeUntil > now ? 0 : completeUntil, this.#lostAt ?? 0);
    // Clocks differ, so the ends overlap; what comes twice is noticed.
    const from = since > now ? 0 : since - settings.limits.maxClockAheadMs;
    if (!(await this.#request(this.#subscriptions.channels(), from))) return;
    const proven = this.#provenTime();
    if (proven !== undefined && (completeUntil > now || Number(proven) > completeUntil)) {
      await runtime.transaction(async (tx) => tx.put(historyTable, { completeUntil: proven }));
    }
    // Not if the connection was lost meanwhile: there is another gap then.
    this.#caughtUp = losses === this.#losses;
  }

  /** Asks history. @returns whether it has brought all that it has */
  async #request(channels: readonly Channel[], from: number): Promise<boolean> {
    const { clock, limits, logger } = this.#context.settings;
    const { connection } = this.#subscriptions;
    if (connection?.history === undefined) return false;
    const now = clock.now();
    // A time that has not come yet was said by a clock that was ahead.
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
