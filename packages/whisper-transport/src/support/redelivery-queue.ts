import { type Clock, type ConnectOptions, copyBytes, type TransportMessage } from '@sotto/core';

/** Milliseconds between attempts to deliver a message that the receiver rejected. */
const RETRIES_MS = [100, 1_000, 5_000, 30_000];

/** Delivers messages to `onMessage`, and redelivers those that it rejects. */
export class RedeliveryQueue {
  readonly #receiver: Pick<ConnectOptions, 'onMessage'>;
  readonly #clock: Clock;
  readonly #retries = new Set<() => void>();
  #closed = false;

  constructor(receiver: Pick<ConnectOptions, 'onMessage'>, clock: Clock) {
    this.#receiver = receiver;
    this.#clock = clock;
  }

  /**
   * Resolves after the first attempt.
   * @param onGivenUp called when the receiver has rejected the message five times
   */
  async deliver(message: TransportMessage, onGivenUp: () => void, attempt = 0): Promise<void> {
    if (this.#closed) return;
    try {
      await this.#receiver.onMessage({ ...message, payload: copyBytes(message.payload) });
    } catch {
      const wait = RETRIES_MS[attempt];
      if (wait === undefined || this.#closed) return onGivenUp();
      const cancel = this.#clock.after(wait, () => {
        this.#retries.delete(cancel);
        void this.deliver(message, onGivenUp, attempt + 1);
      });
      this.#retries.add(cancel);
    }
  }

  /** Drops what is still to be redelivered. */
  close(): void {
    this.#closed = true;
    for (const cancel of this.#retries) cancel();
    this.#retries.clear();
  }
}
