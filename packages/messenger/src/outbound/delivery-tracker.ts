import type { SottoError } from '@sotto/core';
import type { Events } from '../runtime/events.js';

/**
 * Tracks messages of several parts until the transport has accepted them: `sent` is emitted once for a message, when all
 * its parts were accepted. A message to a group is encrypted for some members at a time; it is open until the last of them,
 * so that it doesn't count as complete before. Messages without an id are the messenger's own: nothing is counted or
 * emitted for them.
 */
export class DeliveryTracker {
  readonly #events: Events;
  /** By message: parts that wait for the transport. */
  readonly #pending = new Map<string, number>();
  /** Messages with parts yet to be made. */
  readonly #open = new Set<string>();
  /** By message: parts that the transport has refused for good. */
  readonly #failed = new Map<string, number>();
  /** Messages with a part that the application gave up. */
  readonly #givenUp = new Set<string>();

  constructor(events: Events) {
    this.#events = events;
  }

  /** Opens a message whose parts are made one after another. */
  open(id: string): void {
    this.#open.add(id);
  }

  /** Closes a message: all its parts were made. */
  close(id: string): void {
    if (this.#open.delete(id) && !this.#pending.has(id)) this.#complete(id);
  }

  /** A part waits for the transport. */
  addPending(id: string): void {
    if (id === '') return;
    this.#pending.set(id, (this.#pending.get(id) ?? 0) + 1);
  }

  /** A part failed for good: no `sent` follows, unless it is retried. */
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

  /** A part is no longer pending: it was accepted, or has failed. */
  removePending(id: string): void {
    if (id === '') return;
    const left = (this.#pending.get(id) ?? 1) - 1;
    if (left > 0) this.#pending.set(id, left);
    else {
      this.#pending.delete(id);
      this.#complete(id);
    }
  }

  /** Ids of the messages with a pending part. */
  pending(): Iterable<string> {
    return this.#pending.keys();
  }

  #complete(id: string): void {
    if (this.#open.has(id) || this.#failed.has(id)) return;
    if (!this.#givenUp.delete(id)) this.#events.emit('sent', { id });
  }
}
