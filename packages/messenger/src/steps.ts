import { type Clock, SottoError } from '@sotto/core';
import type { Device } from './device/device.js';
import { Effects } from './effects.js';
import type { Events } from './events.js';
import type { Listening } from './listening.js';
import type { Outbox } from './outbox.js';
import type { UnitOfWork } from './storage/ledger.js';

/** All that a messenger does goes in steps: each is atomic, and what follows from it follows when it is stored. */
export class Steps {
  readonly #device: Device;
  readonly #outbox: Outbox;
  readonly #listening: Listening;
  readonly #events: Events;
  readonly #clock: Clock;
  readonly #onRotated: () => Promise<unknown>;
  readonly #background = new Set<Promise<unknown>>();
  readonly #timers = new Map<string, () => void>();
  /** Version of our signed prekey after the last step; 0 before the first. */
  #preKeyVersion = 0;
  #closed = false;

  /** @param onRotated called after a step that rotated our signed prekey */
  constructor(
    device: Device,
    outbox: Outbox,
    listening: Listening,
    events: Events,
    clock: Clock,
    onRotated: () => Promise<unknown>,
  ) {
    this.#device = device;
    this.#outbox = outbox;
    this.#listening = listening;
    this.#events = events;
    this.#clock = clock;
    this.#onRotated = onRotated;
  }

  /**
   * Runs one step. It may be run again before it is stored, so all it does it does through `work` and `effects`.
   * @throws CLOSED, STORE codes
   */
  async run<T>(step: (work: UnitOfWork, effects: Effects) => Promise<T>): Promise<T> {
    this.checkOpen();
    let effects = new Effects(this.#events);
    let version = 0;
    const result = await this.#device.ledger.run(async (work) => {
      effects = new Effects(this.#events);
      const value = await step(work, effects);
      version = (await this.#device.currentPreKey(work)).version;
      return value;
    });
    const rotated = this.#preKeyVersion !== 0 && version !== this.#preKeyVersion;
    this.#preKeyVersion = version;
    this.#outbox.stored(effects.outbox);
    for (const effect of effects.after) effect();
    // An answer may come as soon as a message has left, so the ear opens before the mouth.
    if (effects.listen)
      this.inBackground(this.#listening.listen().finally(() => this.#outbox.release(effects.outbox)));
    else this.#outbox.release(effects.outbox);
    if (rotated) this.inBackground(this.#onRotated());
    return result;
  }

  /** Looks after work that nobody waits for: its failure is told as trouble with the store. */
  inBackground(promise: Promise<unknown>): void {
    const settled = promise
      .catch((error) => this.#events.storageTrouble(error))
      .finally(() => this.#background.delete(settled));
    this.#background.add(settled);
  }

  /** Does something after a while, unless closed before, or asked again for the same purpose. */
  later(purpose: 'fan-out' | 'publish' | 'clock', ms: number, run: () => void): void {
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

  /** Nothing begins any more. */
  close(): void {
    this.#closed = true;
    for (const cancel of this.#timers.values()) cancel();
  }

  /** Resolves when the work in the background has ended. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#background);
  }
}
