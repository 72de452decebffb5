import type { TransportStatus } from '@sotto/core';
import { errorName } from './events.js';
import type { Listening } from './listening.js';
import type { Settings } from './options.js';
import type { Steps } from './steps.js';
import { historyTable } from './storage/tables.js';

/** Asks history for what was sent while we were not connected. */
export class CatchUp {
  readonly #listening: Listening;
  readonly #steps: Steps;
  readonly #settings: Pick<Settings, 'clock' | 'limits' | 'logger'>;
  /** Whether all that was sent to us so far has come, as far as history tells. */
  #caughtUp = false;
  /** How often the connection was lost. */
  #losses = 0;
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
    const completeUntil = BigInt(this.#settings.clock.now());
    this.#steps.inBackground(this.#steps.run(async (work) => work.put(historyTable, { completeUntil })));
  }

  /** In the background, one after another; does nothing when nothing is missing, or there is no history. */
  begin(): void {
    const run = this.#tail.then(() => this.#fetchHistory());
    this.#tail = run.catch(() => undefined);
    this.#steps.inBackground(run);
  }

  async #fetchHistory(): Promise<void> {
    const { clock, limits, logger } = this.#settings;
    const { connection } = this.#listening;
    if (this.#caughtUp || connection?.history === undefined) return;
    const losses = this.#losses;
    const now = clock.now();
    const known = await this.#steps.run((work) => work.get(historyTable));
    // Clocks differ, so the ends overlap; what comes twice is noticed.
    const slack = limits.maxClockAheadMs;
    const from = Math.max(Number(known?.completeUntil ?? 0n) - slack, now - limits.historyMaxMs);
    try {
      await connection.history({ channels: this.#listening.channels(), from, to: now + slack });
    } catch (error) {
      logger.warn('history not complete', { error: errorName(error) });
      return;
    }
    await this.#steps.run(async (work) => work.put(historyTable, { completeUntil: BigInt(now) }));
    // Not if the connection was lost meanwhile: there is another gap then.
    this.#caughtUp = losses === this.#losses;
  }
}
