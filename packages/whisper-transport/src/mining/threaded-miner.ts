import { type Clock, type Logger, onAbort, silentLogger, systemClock } from '@sotto/core';
import { createInlineMiner } from './inline-miner.js';
import { type MineOptions, type Miner, minerAborted, minerClosed, minerTimedOut } from './miner.js';
import type { Found } from './nonce-search.js';
import type { Order } from './thread.js';

/** Searches for fewer bits are done on the calling thread, as asking another takes longer: 1,000 hashes, about 10 ms. */
const BITS_AT_ONCE = 10;

/** A thread, as its miner sees it. */
export interface MiningThread {
  order(order: Order): void;
  /** Whether the thread keeps the process alive. */
  hold(busy: boolean): void;
  terminate(): void;
}

/** Starts a thread; throws, or calls `onFailure`, where threads are unavailable. */
export type StartThread = (
  onFound: (found: Found) => void,
  onFailure: (reason: string) => void,
) => MiningThread;

/** Options of `createWorkerMiner`. */
export interface WorkerMinerOptions {
  /** Most threads; each is started when there is work for it. Default: one less than the machine has, at least 1. */
  readonly threads?: number | undefined;
  /** Measures time limits. Default: the system's clock. */
  readonly clock?: Clock | undefined;
  /** Receives the event `mining.no-threads` when threads are unavailable. Default: none. */
  readonly logger?: Logger | undefined;
}

interface Job {
  readonly prefix: Uint8Array;
  readonly bits: number;
  /** Called with `undefined` when the job has to continue without threads. */
  readonly finish: (found: Found | undefined) => void;
}

/**
 * A miner that works in threads, one for each job. Where threads are unavailable, or one fails, it continues on the calling thread.
 */
export class ThreadedMiner implements Miner {
  readonly #start: StartThread;
  readonly #most: number;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #inline: Miner;
  readonly #waiting: Job[] = [];
  readonly #busy = new Map<MiningThread, Job>();
  readonly #idle: MiningThread[] = [];
  readonly #closing = new AbortController();
  #withoutThreads = false;

  constructor(start: StartThread, options: WorkerMinerOptions & { readonly threads: number }) {
    this.#start = start;
    this.#most = options.threads;
    this.#clock = options.clock ?? systemClock;
    this.#logger = options.logger ?? silentLogger;
    this.#inline = createInlineMiner(this.#clock);
  }

  async mine(prefix: Uint8Array, bits: number, options: MineOptions = {}): Promise<bigint> {
    const found = bits < BITS_AT_ONCE ? undefined : await this.#inThread(prefix, bits, options);
    if (found === undefined) return this.#inline.mine(prefix, bits, options);
    if (found.bits < bits) throw minerTimedOut(options.timeLimit ?? 0);
    return found.nonce;
  }

  async mineFor(
    prefix: Uint8Array,
    milliseconds: number,
    options: Pick<MineOptions, 'signal'> = {},
  ): Promise<bigint> {
    const goal = { ...options, timeLimit: milliseconds };
    const found = await this.#inThread(prefix, Number.POSITIVE_INFINITY, goal);
    return found === undefined ? this.#inline.mineFor(prefix, milliseconds, options) : found.nonce;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    for (const thread of [...this.#busy.keys(), ...this.#idle.splice(0)]) thread.terminate();
    this.#busy.clear();
    await this.#inline.close();
  }

  /** Searches in a thread: the best nonce within the time limit. @returns `undefined` when there are no threads */
  #inThread(
    prefix: Uint8Array,
    bits: number,
    { signal, timeLimit }: MineOptions,
  ): Promise<Found | undefined> {
    const closing = this.#closing.signal;
    return new Promise((resolve, reject) => {
      if (closing.aborted) return reject(minerClosed());
      if (signal?.aborted) return reject(minerAborted());
      if (this.#withoutThreads) return resolve(undefined);
      const settle = () => {
        cancelTimer();
        for (const stop of stops) stop();
      };
      const job: Job = {
        prefix,
        bits,
        finish: (found) => {
          settle();
          resolve(found);
        },
      };
      const abort = () => {
        settle();
        reject(minerAborted());
        this.#stop(job);
      };
      const close = () => {
        settle();
        reject(minerClosed());
      };
      const cancelTimer =
        timeLimit === undefined ? () => {} : this.#clock.after(timeLimit, () => this.#stop(job));
      const stops = [onAbort(closing, close), onAbort(signal, abort)];
      this.#waiting.push(job);
      this.#assign();
    });
  }

  /** Finishes a job with the best nonce so far; with none, if it has not started. */
  #stop(job: Job): void {
    const at = this.#waiting.indexOf(job);
    if (at >= 0) {
      this.#waiting.splice(at, 1);
      job.finish({ nonce: 0n, bits: 0 });
    }
    for (const [thread, running] of this.#busy) if (running === job) thread.order({ kind: 'stop' });
  }

  #assign(): void {
    while (this.#waiting.length > 0 && (this.#idle.length > 0 || this.#busy.size < this.#most)) {
      let thread: MiningThread;
      try {
        thread = this.#idle.pop() ?? this.#startThread();
      } catch (error) {
        this.#continueWithoutThreads(error instanceof Error ? error.message : 'unknown');
        return;
      }
      const job = this.#waiting.shift() as Job;
      this.#busy.set(thread, job);
      thread.hold(true);
      thread.order({ kind: 'search', prefix: job.prefix, bits: job.bits });
    }
  }

  #startThread(): MiningThread {
    const thread = this.#start(
      (found) => {
        const job = this.#busy.get(thread);
        // The job was aborted before the thread answered.
        if (job === undefined) return;
        this.#busy.delete(thread);
        thread.hold(false);
        this.#idle.push(thread);
        job.finish(found);
        this.#assign();
      },
      (reason) => this.#continueWithoutThreads(reason),
    );
    return thread;
  }

  /** After one failure, as its cause would make other threads fail, too. */
  #continueWithoutThreads(reason: string): void {
    if (this.#withoutThreads || this.#closing.signal.aborted) return;
    this.#withoutThreads = true;
    this.#logger.warn('mining.no-threads', { reason });
    const left = [...this.#busy.values(), ...this.#waiting.splice(0)];
    for (const thread of [...this.#busy.keys(), ...this.#idle.splice(0)]) thread.terminate();
    this.#busy.clear();
    for (const job of left) job.finish(undefined);
  }
}
