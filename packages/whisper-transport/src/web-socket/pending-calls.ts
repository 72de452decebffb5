import { type Clock, onAbort } from '@sotto/core';
import { abortedError, timeoutError } from '../support/transport-errors.js';

interface PendingCall<Result, Extra> {
  readonly extra: Extra;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: Error) => void;
  readonly renew: () => void;
}

/** A call about to be made, see {@link PendingCalls.begin}. */
export interface NewCall<Extra> {
  /** Names the call in errors. */
  readonly what: string;
  /** Milliseconds that the answer may take. */
  readonly timeout: number;
  /** Ends the call with ABORTED. */
  readonly signal?: AbortSignal | undefined;
  /** Stored with the call until it is answered. */
  readonly extra: Extra;
  /** Sends the call; if it throws, the call fails with that error. */
  readonly send: (id: number) => void;
}

/** The calls of one connection that await an answer, by number. */
export class PendingCalls<Result, Extra = undefined> {
  readonly #clock: Clock;
  readonly #calls = new Map<number, PendingCall<Result, Extra>>();
  #nextId = 1;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Number of pending calls. */
  get size(): number {
    return this.#calls.size;
  }

  /** Makes a call; resolves with its answer. @throws TIMEOUT, ABORTED, what `send` throws, what the call is rejected with */
  begin({ what, timeout, signal, extra, send }: NewCall<Extra>): Promise<Result> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(abortedError(what));
      const id = this.#nextId++;
      const settle = () => {
        this.#calls.delete(id);
        cancelTimer();
        stopListening();
      };
      const fail = (error: Error) => {
        settle();
        reject(error);
      };
      const start = () => this.#clock.after(timeout, () => fail(timeoutError(what, timeout)));
      let cancelTimer = start();
      const stopListening = onAbort(signal, () => fail(abortedError(what)));
      this.#calls.set(id, {
        extra,
        resolve: (result) => {
          settle();
          resolve(result);
        },
        reject: fail,
        renew: () => {
          cancelTimer();
          cancelTimer = start();
        },
      });
      try {
        send(id);
      } catch (error) {
        fail(error as Error);
      }
    });
  }

  /** What was stored with a pending call. */
  extraOf(id: number): Extra | undefined {
    return this.#calls.get(id)?.extra;
  }

  /** Restarts the timeout of a call: a part of its answer has arrived. */
  renew(id: number): void {
    this.#calls.get(id)?.renew();
  }

  /** Answers a call. Does nothing if it is no longer pending. */
  resolve(id: number, result: Result): void {
    this.#calls.get(id)?.resolve(result);
  }

  /** Fails a call, if it is still pending. */
  reject(id: number, error: Error): void {
    this.#calls.get(id)?.reject(error);
  }

  /** Fails all pending calls, each with an error of its own. */
  rejectAll(error: () => Error): void {
    for (const { reject } of [...this.#calls.values()]) reject(error());
  }
}
