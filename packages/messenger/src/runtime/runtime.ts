import { type Clock, isSottoError, SottoError } from '@sotto/core';
import type { ReadTransaction, Transaction, TransactionOptions, Transactions } from '@sotto/device';
import type { Events } from './events.js';

/** What a messenger does periodically or later. */
export type Schedule =
  | 'fan-out'
  | 'sender-keys'
  | 'early-messages'
  | 'waiting-messages'
  | 'publish'
  | 'rotation'
  | 'clean-up'
  | 'clock'
  | 'history'
  | 'skew'
  | `directory ${string}`;

/** Runs a messenger's transactions, timers and background work until it is closed. */
export class Runtime implements Transactions {
  readonly #store: Transactions & { settled(): Promise<void> };
  readonly #events: Events;
  readonly #clock: Clock;
  readonly #background = new Set<Promise<unknown>>();
  readonly #timers = new Map<Schedule, () => void>();
  #closed = false;

  constructor(store: Transactions & { settled(): Promise<void> }, events: Events, clock: Clock) {
    this.#store = store;
    this.#events = events;
    this.#clock = clock;
  }

  /**
   * Runs a transaction. It may be repeated before it is stored, so all its effects go through `tx`, including commit hooks.
   * @throws CLOSED, STORE codes
   */
  async transaction<T>(run: (tx: Transaction) => Promise<T>, options?: TransactionOptions): Promise<T> {
    this.checkOpen();
    return this.#store.transaction(run, options);
  }

  /** Resolves when no power cut can undo what was committed so far. @throws STORE codes */
  durable(): Promise<void> {
    return this.#store.durable();
  }

  /** Runs a transaction that only reads. @throws CLOSED, STORE codes */
  async read<T>(run: (tx: ReadTransaction) => Promise<T>): Promise<T> {
    this.checkOpen();
    return this.#store.read(run);
  }

  /** Tracks background work: its failure is reported as a storage error. */
  inBackground(promise: Promise<unknown>): void {
    const settled = promise
      .catch((error) => {
        if (!isSottoError(error, 'CLOSED')) this.#events.storageError(error);
      })
      .finally(() => this.#background.delete(settled));
    this.#background.add(settled);
  }

  /** Does something after a delay, unless closed before. Replaces what was scheduled for the same purpose. */
  schedule(purpose: Schedule, ms: number, run: () => void): void {
    this.#timers.get(purpose)?.();
    if (!this.#closed) this.#timers.set(purpose, this.#clock.after(ms, run));
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** @throws CLOSED */
  checkOpen(): void {
    if (this.#closed) throw new SottoError('CLOSED', 'The messenger was closed.', { what: 'messenger' });
  }

  /** Starts nothing new from now on. */
  close(): void {
    this.#closed = true;
    for (const cancel of this.#timers.values()) cancel();
  }

  /** Resolves when background work and commit hooks in progress have ended. */
  async settled(): Promise<void> {
    for (;;) {
      await this.#store.settled();
      if (this.#background.size === 0) return;
      await Promise.all(this.#background);
    }
  }
}
