import type { Channel, TransportStatus } from '@sotto/core';
import { errorName } from './events.js';
import type { Listening } from './listening.js';
import type { Settings } from './options.js';
import type { Steps } from './steps.js';
import { historyTable } from './storage/tables.js';

/** How often it is looked whether our clock goes on as it should. */
const CLOCK_CHECK_MS = 60_000;

/** Asks history for what was sent while we were not connected. */
export class CatchUp {
  readonly #listening: Listening;
  readonly #steps: Steps;
  readonly #settings: Pick<Settings, 'clock' | 'limits' | 'logger'>;
  /** Whether all that was sent to us so far has come, as far as history tells. */
  #caughtUp = false;
  /** How often the connection was lost. */
  #losses = 0;
  /** Milliseconds since the epoch: the latest time at which somebody else says to have sent something. */
  #latestHeard = 0;
  /** Our clock's time when the connection was lost in this run; `undefined` when it was set since. */
  #lostAt: number | undefined;
  /** How far our clock is ahead, in milliseconds, as the transport says; `undefined` while it says nothing. */
  #skewMs: number | undefined;
  /** Our clock's time when it was looked at last; `undefined` before that. */
  #watchedAt: number | undefined;
  #tail: Promise<unknown> = Promise.resolve();

  constructor(listening: Listening, steps: Steps, settings: Pick<Settings, 'clock' | 'limits' | 'logger'>) {
    this.#listening = listening;
    this.#steps = steps;
    this.#settings = settings;
  }

  /** What is sent while the connection is lost is asked for when it is back. */
  followConnection(status: TransportStatus): void {
    if (this.#listening.connection?.history === undefined || this.#steps.closed) return;
    if (status === 'connected') this.begin();
    if (status === 'reconnecting') this.#losses++;
    if (status !== 'reconnecting' || !this.#caughtUp) return;
    this.#caughtUp = false;
    this.#noticeJump();
    this.#lostAt = this.#settings.clock.now();
    const completeUntil = this.#provenTime();
    if (completeUntil === undefined) return;
    this.#steps.inBackground(this.#steps.run(async (work) => work.put(historyTable, { completeUntil })));
  }

  /** Looks after our clock from now on. When it was set, or we slept, history may have been asked for the wrong time. */
  #watchClock(): void {
    this.#watchedAt = this.#settings.clock.now();
    this.#steps.later('clock', CLOCK_CHECK_MS, () => {
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
    const now = this.#settings.clock.now();
    const elapsed = now - (this.#watchedAt ?? now);
    if (elapsed >= 0 && elapsed <= 2 * CLOCK_CHECK_MS) return false;
    this.#watchedAt = now;
    this.#lostAt = undefined;
    this.#skewMs = undefined;
    return true;
  }

  /**
   * Hears when others say that something was sent: our own clock may be ahead, and what it says then is no proof of what
   * has come. Messages of our own are no proof either.
   */
  heard(sentAt: number): void {
    if (sentAt > this.#latestHeard) this.#latestHeard = sentAt;
  }

  /** Hears how far our clock is ahead of the others', in milliseconds. */
  heardSkew(skewMs: number): void {
    this.#noticeJump();
    this.#skewMs = skewMs;
  }

  /**
   * Until when all has come, in milliseconds since the epoch, by a clock that isn't ours alone: corrected by what the
   * transport says, or the latest time that anybody else has given.
   */
  #provenTime(): bigint | undefined {
    this.#noticeJump();
    const now = this.#settings.clock.now();
    const corrected = this.#skewMs === undefined ? undefined : now - Math.max(0, this.#skewMs);
    const proven = corrected ?? Math.min(now, this.#latestHeard);
    return proven > 0 ? BigInt(Math.trunc(proven)) : undefined;
  }

  /** Fetches what was sent on some channels since a time, in the background. */
  fetch(channels: readonly Channel[], from: number): void {
    const { clock, limits, logger } = this.#settings;
    const { connection } = this.#listening;
    if (connection?.history === undefined) return;
    const now = clock.now();
    // A time that has not come yet was said by a clock that was ahead.
    const since = from > now ? 0 : from;
    const to = now + limits.maxClockAheadMs;
    const request = { channels, from: Math.max(since, now - limits.historyMaxMs), to };
    this.#steps.inBackground(
      connection.history(request).catch((error) => {
        logger.warn('history not complete', { error: errorName(error) });
      }),
    );
  }

  /** In the background, one after another; does nothing when nothing is missing, or there is no history. */
  begin(): void {
    if (this.#watchedAt === undefined) this.#watchClock();
    const run = this.#tail.then(() => this.#fetchHistory());
    this.#tail = run.catch(() => undefined);
    this.#steps.inBackground(run);
  }

  async #fetchHistory(): Promise<void> {
    const { clock, limits, logger } = this.#settings;
    const { connection } = this.#listening;
    if (this.#caughtUp || connection?.history === undefined) return;
    const losses = this.#losses;
    this.#noticeJump();
    const now = clock.now();
    const record = await this.#steps.run((work) => work.get(historyTable));
    // Clocks differ, so the ends overlap; what comes twice is noticed.
    const slack = limits.maxClockAheadMs;
    const completeUntil = Number(record?.completeUntil ?? 0n);
    // What lies in the future was said by a clock that was ahead.
    const known = Math.max(completeUntil > now ? 0 : completeUntil, this.#lostAt ?? 0);
    const since = known > now ? 0 : known - slack;
    const from = Math.max(since, now - limits.historyMaxMs);
    try {
      await connection.history({ channels: this.#listening.channels(), from, to: now + slack });
    } catch (error) {
      logger.warn('history not complete', { error: errorName(error) });
      return;
    }
    const proven = this.#provenTime();
    if (proven !== undefined && (completeUntil > now || Number(proven) > completeUntil)) {
      await this.#steps.run(async (work) => work.put(historyTable, { completeUntil: proven }));
    }
    // Not if the connection was lost meanwhile: there is another gap then.
    this.#caughtUp = losses === this.#losses;
  }
}
