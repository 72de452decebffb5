import type { SottoError } from '@sotto/core';
import type { Events } from '../runtime/events.js';

/**
 * Tracks messages of several parts until the transport has taken them: `sent` is emitted once for a message, when all its
 * parts were taken. A message to a group is encrypted for some members at a time; it is open until the last of them, so
 * that it isn't taken for complete while more parts are to come. Nothing is emitted, nor counted, for what has no id: that is
 * none of the application's.
 */
export class DeliveryTracker {
  readonly #events: Events;
  /** How many parts of a message wait for the transport. */
  readonly #pending = new Map<string, number>();
  /** Messages that have parts to come. */
  readonly #open = new Set<string>();
  /** How many parts of a message the transport will never take. */
  readonly #failed = new Map<string, number>();
  /** Messages of which the application gave a part up. */
  readonly #givenUp = new Set<string>();

  constructor(events: Events) {
    this.#events = events;
  }

  /** Parts of a message will be made one after another. */
  open(id: string): void {
    this.#open.add(id);
  }

  /** All parts of a message were made. */
  close(id: string): void {
    if (this.#open.delete(id) && !this.#pending.has(id)) this.#complete(id);
  }

  /** A part waits for the transport. */
  addPending(id: string): void {
    if (id === '') return;
    this.#pending.set(id, (this.#pending.get(id) ?? 0) + 1);
  }

  /** A part will never be taken: no `sent` follows, unless it is tried again. */
  failed(id: string, error: SottoError): void {
    if (id === '') return;
    this.addFailed(id);
    this.#events.emit('sendFailed', { id, error });
  }

  /** A part had failed in an earlier run. */
  addFailed(id: string): void {
    if (id === '') return;
    this.#failed.set(id, (this.#failed.get(id) ?? 0) + 1);
  }

  /** A part that had failed is pending again. */
  retried(id: string): void {
    this.#removeFailed(id);
    this.addPending(id);
  }

  /** A part that had failed was given up: no `sent` follows. */
  failedGivenUp(id: string): void {
    this.#removeFailed(id);
    if (this.#pending.has(id) || this.#open.has(id) || this.#failed.has(id)) this.#givenUp.add(id);
    else this.#givenUp.delete(id);
  }

  /** A pending part was given up by the application: no `sent` follows. */
  pendingGivenUp(id: string): void {
    this.#givenUp.add(id);
    this.removePending(id);
  }

  /** Parts that were still to come will not be made: no `sent` follows. */
  openGivenUp(id: string): void {
    this.#givenUp.add(id);
    this.close(id);
  }

  #removeFailed(id: string): void {
    const left = (this.#failed.get(id) ?? 1) - 1;
    if (left > 0) this.#failed.set(id, left);
    else this.#failed.delete(id);
  }

  /** A part is no longer pending: it was taken, or has failed. */
  removePending(id: string): void {
    if (id === '') return;
    const left = (this.#pending.get(id) ?? 1) - 1;
    if (left > 0) this.#pending.set(id, left);
    else {
      this.#pending.delete(id);
      this.#complete(id);
    }
  }

  /** Ids of the messages of which a part is pending. */
  pending(): Iterable<string> {
    return this.#pending.keys();
  }

  #complete(id: string): void {
    if (this.#open.has(id) || this.#failed.has(id)) return;
    if (!this.#givenUp.delete(id)) this.#events.emit('sent', { id });
  }
}
