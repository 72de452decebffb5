import { type Clock, type ConnectOptions, copyBytes, type TransportMessage } from '@sotto/core';

/** Waits between tries to hand out a message that its receiver could not keep. */
const RETRIES_MS = [100, 1_000, 5_000, 30_000];

/** Hands messages to a party until they are kept. */
export class RedeliveryQueue {
  readonly #party: ConnectOptions;
  readonly #clock: Clock;
  readonly #retries = new Set<() => void>();
  #closed = false;

  constructor(party: ConnectOptions, clock: Clock) {
    this.#party = party;
    this.#clock = clock;
  }

  /** @param forget runs when the party would not keep the message in any of five tries */
  async give(message: TransportMessage, forget: () => void, tries = 0): Promise<void> {
    if (this.#closed) return;
    try {
      await this.#party.onMessage({ ...message, payload: copyBytes(message.payload) });
    } catch {
      const wait = RETRIES_MS[tries];
      if (wait === undefined || this.#closed) return forget();
      const cancel = this.#clock.after(wait, () => {
        this.#retries.delete(cancel);
        void this.give(message, forget, tries + 1);
      });
      this.#retries.add(cancel);
    }
  }

  close(): void {
    this.#closed = true;
    for (const cancel of this.#retries) cancel();
    this.#retries.clear();
  }
}
