import type { SottoError } from '@sotto/core';
import type { Events } from './events.js';

/**
 * What became of messages of several parts: `sent` is told once, of a message all of whose parts were taken. A group of
 * many is encrypted for some members at a time, so that nothing may wait of a message that has more parts to come.
 */
export class SendOutcomes {
  readonly #events: Events;
  /** How many parts of a message wait for the transport. */
  readonly #waiting = new Map<string, number>();
  /** Messages that have parts to come. */
  readonly #growing = new Set<string>();
  /** Messages with a part that will never be taken. */
  readonly #failed = new Set<string>();

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
    this.#waiting.set(id, (this.#waiting.get(id) ?? 0) + 1);
  }

  /** A part will never be taken: no `sent` follows. */
  failed(id: string, error: SottoError): void {
    this.#failed.add(id);
    this.#events.emit('sendFailed', { id, error });
  }

  /** A part waits no more since the application gave it up: no `sent` follows. */
  givenUp(id: string): void {
    this.#failed.add(id);
    this.done(id);
  }

  /** A part waits no more: it was taken, or has failed. */
  done(id: string): void {
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
    if (this.#growing.has(id)) return;
    if (!this.#failed.delete(id)) this.#events.emit('sent', { id });
  }
}
