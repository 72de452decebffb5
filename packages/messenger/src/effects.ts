import type { Events, MessengerEvents } from './events.js';
import type { OutboxEntry } from './outbox.js';

/** What a step wants done once it is stored, in this order; `Steps.run` does it. */
export class Effects {
  /** What is noted in memory, told to the application, or begun in the background. */
  readonly after: (() => void)[] = [];
  /** What we listen to has changed. */
  listen = false;
  /** What the transport is to take. */
  readonly outbox: OutboxEntry[] = [];
  readonly #events: Events;

  constructor(events: Events) {
    this.#events = events;
  }

  tell<K extends keyof MessengerEvents>(name: K, event: MessengerEvents[K]): void {
    this.after.push(() => this.#events.emit(name, event));
  }
}
