import type { SottoError } from '@sotto/core';
import type { Events } from './events.js';

/**
 * What became of messages of several parts: `sent` is told once, of a message all of whose parts were taken. A group of
 * many is encrypted for some members at a time, so that nothing may wait of a message that has more parts to come. Nothing is told, nor counted, of what has no id: that is
 * none of the application's.
 */
export class SendOutcomes {
  readonly #events: Events;
  /** How many parts of a message wait for the transport. */
  readonly #waiting = new Map<string, number>();
  /** Messages that have parts to come. */
  readonly #growing = new Set<string>();
  /** How many parts of a message the transport will never take. */
  readonly #failed = new Map<string, number>();
  /** Messages of which the application gave a part up. */
  readonly #givenUp = new Set<string>();

  constructor(events: Events) {
    this.#events = events;
  }

  /** Parts of a message will be made one after another. */
  growing(id: string): void {
    this.#growing.add(id);
  }

  /** All parts of a message were made. */
  grown(id: string): void {
    if (this.#growing.delete(id) && !this.#waiting.has(id)) this.#noneWaits(id);
  }

  /** A part waits for the transport. */
  waits(id: string): void {
    if (id === '') return;
    this.#waiting.set(id, (this.#waiting.get(id) ?? 0) + 1);
  }

  /** A part will never be taken: no `sent` follows, unless it is tried again. */
  failed(id: string, error: SottoError): void {
    if (id === '') return;
    this.hasFailed(id);
    this.#events.emit('sendFailed', { id, error });
  }

  /** A part had failed in an earlier run. */
  hasFailed(id: string): void {
    if (id === '') return;
    this.#failed.set(id, (this.#failed.get(id) ?? 0) + 1);
  }

  /** A part that had failed waits again. */
  waitsAgain(id: string): void {
    this.#failedNoMore(id);
    this.waits(id);
  }

  /** A part that had failed was given up: no `sent` follows. */
  failedGivenUp(id: string): void {
    this.#failedNoMore(id);
    if (this.#waiting.has(id) || this.#growing.has(id) || this.#failed.has(id)) this.#givenUp.add(id);
    else this.#givenUp.delete(id);
  }

  /** A part waits no more since the application gave it up: no `sent` follows. */
  givenUp(id: string): void {
    this.#givenUp.add(id);
    this.done(id);
  }

  /** Parts that were still to come will not be made: no `sent` follows. */
  restGivenUp(id: string): void {
    this.#givenUp.add(id);
    this.grown(id);
  }

  #failedNoMore(id: string): void {
    const left = (this.#failed.get(id) ?? 1) - 1;
    if (left > 0) this.#failed.set(id, left);
    else this.#failed.delete(id);
  }

  /** A part waits no more: it was taken, or has failed. */
  done(id: string): void {
    if (id === '') return;
    const left = (this.#waiting.get(id) ?? 1) - 1;
    if (left > 0) this.#waiting.set(id, left);
    else {
      this.#waiting.delete(id);
      this.#noneWaits(id);
    }
  }

  /** Ids of the messages of which a part waits. */
  waiting(): Iterable<string> {
    return this.#waiting.keys();
  }

  #noneWaits(id: string): void {
    if (this.#growing.has(id) || this.#failed.has(id)) return;
    if (!this.#givenUp.delete(id)) this.#events.emit('sent', { id });
  }
}
