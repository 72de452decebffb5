import { evictOldest, isSottoError, type Store, systemClock } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import { type CachedRecord, COMMIT_FIRST, GroupCommit } from './group-commit.js';
import { StoreReadTransaction, StoreTransaction } from './store-transaction.js';
import {
  COMMIT_PHASES,
  type CommitHook,
  type CommitPhase,
  type ReadTransaction,
  type Transaction,
  type TransactionOptions,
  type Transactions,
} from './transaction.js';

/** Decoded records kept in memory, roughly; others are read again from the store. */
const CACHED_RECORDS = 4096;
/** How often a transaction is run again because another writer was faster. */
const CONFLICT_RETRIES = 3;
/** Most transactions that share a commit: what a burst brings, and few enough that the first doesn't wait long. */
const GROUP_MAX_TRANSACTIONS = 64;
/** Bytes of a group commit beyond which no further transaction joins it. */
const GROUP_MAX_BYTES = 1024 * 1024;

/**
 * Milliseconds of the machine's clock that `durable` waits for a strict commit: the next turn, in which an answer to an event is
 * committed.
 */
const DURABLE_WITHIN_MS = 0;

type CommitHooks = ReadonlyMap<CommitPhase, readonly CommitHook[]>;
const NO_HOOKS: CommitHooks = new Map();

/** A transaction that has to be run. */
interface Queued {
  /** Runs it within a group commit; returns its result, and its commit hooks. */
  readonly run: (group: GroupCommit) => Promise<{ readonly value: unknown; readonly hooks: CommitHooks }>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  readonly readOnly: boolean;
  /** How often it was run again because another writer was faster. */
  conflicts: number;
}

type Waiting = { readonly resolve: () => void; readonly reject: (error: unknown) => void };

/**
 * The only way to the store. Transactions run one after another, and what one changes becomes part of one atomic commit.
 * Those that wait while a commit is in progress share the next one (group commit); none resolves before it is stored.
 * Records are cached decoded; every write expects the revision that was read, so that a second writer on the same store
 * can't make a ratchet step happen twice.
 */
export class TransactionManager implements Transactions {
  readonly #store: Store;
  readonly #crypto: CryptoProvider;
  readonly #onHookError: (error: unknown) => void;
  readonly #cache = new Map<string, CachedRecord>();
  readonly #queue: Queued[] = [];
  #working: Promise<void> | undefined;
  /** How many of those in the queue get a commit of their own, as the one that they shared met another writer. */
  #alone = 0;
  /** Whether a power cut may undo the last commits. */
  #relaxed = false;
  /** Those who wait for the next strict commit. */
  #waiting: Waiting[] = [];
  /** Hooks that are still at work. */
  readonly #background = new Set<Promise<unknown>>();

  /** @param onHookError gets errors of commit hooks. Default: an unhandled rejection, so that none is lost */
  constructor(
    store: Store,
    crypto: CryptoProvider,
    onHookError: (error: unknown) => void = (error) => void Promise.reject(error),
  ) {
    this.#store = store;
    this.#crypto = crypto;
    this.#onHookError = onHookError;
  }

  /**
   * Runs a transaction and commits what it changed, or nothing when it throws; then its commit hooks run. Resolves when it
   * is stored. When another writer was faster, or the commit can't be shared after all, it is run again on what is there
   * then: so all it does it does through `tx`. When a shared commit fails, every transaction of it rejects with the
   * store's error.
   */
  transaction<T>(
    run: (tx: Transaction) => Promise<T>,
    { durability = 'strict' }: TransactionOptions = {},
  ): Promise<T> {
    return this.#enqueue(false, async (group) => {
      if (durability === 'strict') group.isStrict = true;
      const tx = new StoreTransaction(group);
      const value = await run(tx);
      const hooks = tx.join();
      if (hooks.has('subscribe') || hooks.has('send')) group.isStrict = true;
      return { value, hooks };
    });
  }

  /** Runs a transaction that only reads. It sees what was committed, and commits nothing. */
  read<T>(run: (tx: ReadTransaction) => Promise<T>): Promise<T> {
    return this.#enqueue(true, async (group) => ({
      value: await run(new StoreReadTransaction(group)),
      hooks: NO_HOOKS,
    }));
  }

  durable(): Promise<void> {
    if (!this.#relaxed) return Promise.resolve();
    return new Promise((resolve, reject) => {
      if (this.#waiting.length === 0) {
        systemClock.after(DURABLE_WITHIN_MS, () => {
          if (this.#waiting.length > 0) void this.#makeDurable();
        });
      }
      this.#waiting.push({ resolve, reject });
    });
  }

  async #makeDurable(): Promise<void> {
    try {
      // Without changes of its own it makes those before it durable.
      await this.transaction(async () => {});
    } catch (error) {
      for (const { reject } of this.#waiting.splice(0)) reject(error);
    }
  }

  /** Resolves when all transactions so far have ended, and their hooks have, and no power cut can undo them. */
  async settled(): Promise<void> {
    await this.#idle();
    if (!this.#relaxed) return;
    await this.#makeDurable();
    await this.#idle();
  }

  async #idle(): Promise<void> {
    while (this.#working !== undefined || this.#background.size > 0) {
      await this.#working;
      await Promise.all(this.#background);
    }
  }

  #enqueue<T>(readOnly: boolean, run: Queued['run']): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#queue.push({
        run,
        resolve: resolve as (value: unknown) => void,
        reject,
        readOnly,
        conflicts: 0,
      });
      this.#working ??= this.#drain();
    });
  }

  async #drain(): Promise<void> {
    // In a later turn: what is asked for in this one joins.
    await undefined;
    while (this.#queue.length > 0) await this.#commitGroup();
    this.#working = undefined;
  }

  async #commitGroup(): Promise<void> {
    const group = new GroupCommit(this.#store, this.#crypto, this.#cache);
    const members: Queued[] = [];
    const outcomes: (() => void)[] = [];
    const most = this.#alone > 0 ? 1 : GROUP_MAX_TRANSACTIONS;
    while (members.length < most && group.size < GROUP_MAX_BYTES) {
      const next = this.#queue[0];
      if (next === undefined) break;
      const outcome = await this.#run(group, next);
      if (outcome === undefined) break;
      this.#queue.shift();
      members.push(next);
      outcomes.push(outcome);
    }
    this.#alone = Math.max(0, this.#alone - members.length);
    try {
      // What was refused may have been so for what is not durable yet; a strict outcome is not to be undone with it.
      if (!group.isEmpty || (group.isStrict && this.#relaxed)) await group.commit();
    } catch (error) {
      this.#failed(members, error);
      return;
    } finally {
      // The oldest go first; reading a record again puts it at the end.
      evictOldest(this.#cache, CACHED_RECORDS);
    }
    if (group.isStrict) this.#isDurable();
    else if (!group.isEmpty) this.#relaxed = true;
    for (const outcome of outcomes) outcome();
  }

  #isDurable(): void {
    this.#relaxed = false;
    for (const { resolve } of this.#waiting.splice(0)) resolve();
  }

  /** What to do about a transaction once the group is stored; `undefined` when it has to be run after that. */
  async #run(group: GroupCommit, { run, resolve, reject }: Queued): Promise<(() => void) | undefined> {
    try {
      const { value, hooks } = await run(group);
      return () => {
        this.#runHooks(hooks);
        resolve(value);
      };
    } catch (error) {
      if (error === COMMIT_FIRST) return undefined;
      // It may have been refused for what the group holds, so that counts only once it is stored.
      return () => reject(error);
    }
  }

  #failed(members: readonly Queued[], error: unknown): void {
    const isConflict = isSottoError(error, 'STORE_CONFLICT');
    if (isConflict) this.#cache.clear();
    // One of them may be to blame for what is no fault of the store; the others shall not suffer with it.
    const isOfOne = members.length > 1 && isSottoError(error) && !error.code.startsWith('STORE_');
    const again = members.filter(
      (member) => member.readOnly || (isConflict ? member.conflicts++ < CONFLICT_RETRIES : isOfOne),
    );
    for (const member of members) if (!again.includes(member)) member.reject(error);
    this.#queue.unshift(...again);
    this.#alone += again.length;
  }

  /** Phase after phase; when hooks of one take time, those after it wait for them in the background. */
  #runHooks(hooks: CommitHooks, from = 0): void {
    for (let phase = from; phase < COMMIT_PHASES.length; phase++) {
      const name = COMMIT_PHASES[phase] as CommitPhase;
      const pending = (hooks.get(name) ?? [])
        .map((hook) => this.#runHook(hook))
        .filter((promise) => promise !== undefined);
      if (pending.length === 0) continue;
      const background = Promise.all(pending).then(() => {
        this.#runHooks(hooks, phase + 1);
        this.#background.delete(background);
      });
      this.#background.add(background);
      return;
    }
  }

  #runHook(hook: CommitHook): Promise<unknown> | undefined {
    try {
      const result = hook();
      return result instanceof Promise ? result.catch((error) => this.#report(error)) : undefined;
    } catch (error) {
      this.#report(error);
      return undefined;
    }
  }

  #report(error: unknown): void {
    try {
      this.#onHookError(error);
    } catch (problem) {
      // Nothing may keep the queue from going on.
      void Promise.reject(problem);
    }
  }
}
