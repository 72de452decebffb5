import type { Clock } from '@sotto/core';
import { abortedError, timeoutError } from '../transport-errors.js';

interface PendingCall<Result, Extra> {
  readonly extra: Extra;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: Error) => void;
  readonly renew: () => void;
}

export interface NewCall<Extra> {
  /** For errors. */
  readonly what: string;
  /** Milliseconds that the answer may take. */
  readonly timeout: number;
  readonly signal?: AbortSignal | undefined;
  /** Kept with the call until it is answered. */
  readonly extra: Extra;
  /** Sends it; what it throws is the outcome of the call. */
  readonly send: (id: number) => void;
}

/** Calls over one connection that wait for their answers, by number. */
export class PendingCalls<Result, Extra = undefined> {
  readonly #clock: Clock;
  readonly #calls = new Map<number, PendingCall<Result, Extra>>();
  #nextId = 1;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls that wait. */
  get size(): number {
    return this.#calls.size;
  }

  /** @throws TIMEOUT, ABORTED, what `send` throws, what it is rejected with */
  begin({ what, timeout, signal, extra, send }: NewCall<Extra>): Promise<Result> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(abortedError(what));
      const id = this.#nextId++;
      const settle = () => {
        this.#calls.delete(id);
        cancelTimer();
        signal?.removeEventListener('abort', abort);
      };
      const fail = (error: Error) => {
        settle();
        reject(error);
      };
      const abort = () => fail(abortedError(what));
      const start = () => this.#clock.after(timeout, () => fail(timeoutError(what, timeout)));
      let cancelTimer = start();
      signal?.addEventListener('abort', abort, { once: true });
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

  /** What was kept with a call that still waits. */
  extraOf(id: number): Extra | undefined {
    return this.#calls.get(id)?.extra;
  }

  /** Starts the time that an answer may take anew: a part of it has come. */
  renew(id: number): void {
    this.#calls.get(id)?.renew();
  }

  /** An answer that comes after its time is of no use to anybody. */
  resolve(id: number, result: Result): void {
    this.#calls.get(id)?.resolve(result);
  }

  reject(id: number, error: Error): void {
    this.#calls.get(id)?.reject(error);
  }

  rejectAll(error: () => Error): void {
    for (const { reject } of [...this.#calls.values()]) reject(error());
  }
}
