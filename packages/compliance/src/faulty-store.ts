import {
  type ListOptions,
  type Revision,
  SottoError,
  type Store,
  type StoredEntry,
  type Write,
} from '@sotto/core';

/** Which commit is struck, and how. */
export interface FaultPlan {
  /** The commit that is struck, counting from 1. */
  readonly commit: number;
  /** Whether it is struck before it took effect in the store underneath, or after. */
  readonly moment: 'before' | 'after';
  /**
   * - `fail`: this one commit rejects with STORE_UNAVAILABLE, the next ones work. `after` breaks the port's promise
   *   that nothing has happened, as a disk does that dies while it confirms.
   * - `kill`: as if the process was killed there and then. This call and all later ones never settle, and closing
   *   does nothing, so that no line behind an `await` runs any more.
   */
  readonly effect: 'fail' | 'kill';
  /** Called instead of leaving the call unsettled: for a child process that sends itself SIGKILL here. */
  readonly onKill?: () => void;
}

/** A store with a fault in it. */
export interface FaultyStore extends Store {
  /** How many commits were begun: run once without a plan to learn how many write points there are. */
  readonly commits: number;
  /** Resolves when the plan's `kill` struck. */
  readonly killed: Promise<void>;
}

/**
 * Wraps a store for tests of what happens when a commit fails or the process dies there. To come back after a
 * `kill`, wrap the store underneath again: it was neither closed nor changed by the death.
 *
 * @param plan the fault; none to count commits only
 */
export function createFaultyStore(store: Store, plan?: FaultPlan): FaultyStore {
  return new FaultInjectingStore(store, plan);
}

class FaultInjectingStore implements FaultyStore {
  readonly killed: Promise<void>;
  #store: Store;
  #plan: FaultPlan | undefined;
  #commits = 0;
  #dead = false;
  #reportKill: () => void = () => {};

  constructor(store: Store, plan: FaultPlan | undefined) {
    this.#store = store;
    this.#plan = plan;
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

  async commit(writes: readonly Write[], options?: { readonly signal?: AbortSignal }): Promise<Revision> {
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
    // What was under way when the process died doesn't come back to it either.
    return this.#dead ? never() : answer;
  }
}

function never(): Promise<never> {
  return new Promise(() => {});
}
