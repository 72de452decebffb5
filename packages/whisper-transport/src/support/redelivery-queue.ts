import { type Clock, type ConnectOptions, copyBytes, type TransportMessage } from '@sotto/core';

/** Milliseconds between attempts to deliver a message that the receiver rejected. */
const RETRIES_MS = [100, 1_000, 5_000, 30_000];

/** Bytes of messages that may wait for a receiver, unless the options of a transport say otherwise: 64 MiB. */
export const DEFAULT_MAX_WAITING_BYTES = 64 * 1024 * 1024;
/** What a message takes beside its payload while it waits, in bytes, about. */
const MESSAGE_BYTES = 2_048;

/** Delivers messages to `onMessage`, and redelivers those that it rejects. */
export class RedeliveryQueue {
  readonly #receiver: Pick<ConnectOptions, 'onMessage'>;
  readonly #clock: Clock;
  readonly #onSettled: () => void;
  readonly #retries = new Set<() => void>();
  #bytes = 0;
  #closed = false;

  /** @param onSettled called whenever a message was taken, or given up */
  constructor(receiver: Pick<ConnectOptions, 'onMessage'>, clock: Clock, onSettled: () => void = () => {}) {
    this.#receiver = receiver;
    this.#clock = clock;
    this.#onSettled = onSettled;
  }

  /** Memory of the messages that the receiver has neither taken nor rejected for good, about. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Resolves after the first attempt.
   * @param onGivenUp called when the receiver has rejected the message five times
   */
  async deliver(message: TransportMessage, onGivenUp: () => void, attempt = 0): Promise<void> {
    if (this.#closed) return;
    if (attempt === 0) this.#bytes += sizeOf(message);
    try {
      await this.#receiver.onMessage({ ...message, payload: copyBytes(message.payload) });
      this.#settle(message);
    } catch {
      const wait = RETRIES_MS[attempt];
      if (wait === undefined || this.#closed) {
        onGivenUp();
        return this.#settle(message);
      }
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

  #settle(message: TransportMessage): void {
    this.#bytes -= sizeOf(message);
    if (!this.#closed) this.#onSettled();
  }
}

function sizeOf({ payload }: TransportMessage): number {
  return payload.length + MESSAGE_BYTES;
}
