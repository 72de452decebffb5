import {
  type ListOptions,
  type Revision,
  SottoError,
  type Store,
  type StoreCommitOptions,
  type StoredEntry,
  type Write,
} from '@sotto/core';

/** Which commit fails, and how. */
export interface FaultPlan {
  /** The commit that fails, counting from 1. */
  readonly commit: number;
  /** Whether it fails before it takes effect in the underlying store, or after. */
  readonly moment: 'before' | 'after';
  /**
   * - `fail`: this one commit rejects with STORE_UNAVAILABLE, later ones work. `after` breaks the port's promise
   *   that nothing has been stored, like a disk that fails while confirming.
   * - `kill`: as if the process were killed at this moment. This call and all later ones never settle, and closing
   *   does nothing, so that no code after an `await` runs any more.
   */
  readonly effect: 'fail' | 'kill';
  /** Called instead of leaving the call unsettled: for a child process that sends itself SIGKILL here. */
  readonly onKill?: (() => void) | undefined;
}

/** A store with an injected fault. */
export interface FaultyStore extends Store {
  /** How many commits were started: run once without a plan to count the write points. */
  readonly commits: number;
  /** Resolves when the plan's `kill` has happened. */
  readonly killed: Promise<void>;
}

/**
 * Wraps a store for tests of what happens when a commit fails or the process dies there. To restart after a
 * `kill`, wrap the underlying store again: the kill has neither closed nor changed it.
 *
 * @param plan the fault; none to count commits only
 */
export function createFaultyStore(store: Store, plan?: FaultPlan): FaultyStore {
  return new FaultInjectingStore(store, plan);
}

class FaultInjectingStore implements FaultyStore {
  readonly killed: Promise<void>;
  readonly sync?: () => Promise<void>;
  #store: Store;
  #plan: FaultPlan | undefined;
  #commits = 0;
  #dead = false;
  #reportKill: () => void = () => {};

  constructor(store: Store, plan: FaultPlan | undefined) {
    this.#store = store;
    this.#plan = plan;
    if (store.sync !== undefined) this.sync = () => this.#unlessDead(async () => store.sync?.());
    this.killed = new Promise((resolve) => {
      this.#reportKill = resolve;
    });
  }

  get commits(): number {
    return this.#commits;
  }

  get(key: string) {
    return this.#unlessDead(() => this.#store.get(key));
  }

  async *list(prefix: string, options?: ListOptions): AsyncGenerator<StoredEntry, void> {
    const iteration = this.#store.list(prefix, options)[Symbol.asyncIterator]();
    try {
      for (;;) {
        const step = await this.#unlessDead(() => iteration.next());
        if (step.done) return;
        yield step.value;
      }
    } finally {
      await iteration.return?.();
    }
  }

  async commit(writes: readonly Write[], options?: StoreCommitOptions): Promise<Revision> {
    const number = this.#dead ? 0 : ++this.#commits;
    const plan = this.#plan?.commit === number ? this.#plan : undefined;
    if (plan?.moment === 'before') await this.#strike(plan);
    return this.#unlessDead(async () => {
      const revision = await this.#store.commit(writes, options);
      if (plan?.moment === 'after') await this.#strike(plan);
      return revision;
    });
  }

  async compact(): Promise<void> {
    await this.#unlessDead(async () => this.#store.compact?.());
  }

  close(): Promise<void> {
    return this.#unlessDead(() => this.#store.close());
  }

  async #strike(plan: FaultPlan): Promise<void> {
    if (plan.effect === 'fail') {
      throw new SottoError('STORE_UNAVAILABLE', 'A fault was injected.', { reason: 'injected fault' });
    }
    this.#dead = true;
    plan.onKill?.();
    this.#reportKill();
    await never();
  }

  async #unlessDead<T>(call: () => Promise<T>): Promise<T> {
    if (this.#dead) return never();
    const answer = await call();
    // Calls in progress when the process was killed never settle either.
    return this.#dead ? never() : answer;
  }
}

function never(): Promise<never> {
  return new Promise(() => {});
}
