// Keeps Vitest's worker thread from one mutant to the next. By itself Vitest starts one for each run, which loads the package,
// what it depends on and the tests again: that takes longer than the tests of most mutants.
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';

/** What tests leave behind, such as timers, goes with the thread. */
const RUNS_OF_A_THREAD = 40;

/**
 * A test with a mutant that waits for what never comes ends after this time: sooner than Stryker's own timeout, after which the runner
 * is started anew. Tests without a mutant have all the time that a busy machine takes.
 */
const MUTANT_TEST_TIMEOUT_MS = 20_000;

/** The thread that the next run gets, and how many it had. */
let kept;

/** A worker of Vitest's pool: https://vitest.dev/guide/advanced/pool */
class KeptWorker {
  name = 'kept';
  #options;
  #thread;
  #runs = 0;
  #stopsInGoodOrder = false;

  constructor(options) {
    this.#options = options;
  }

  async start() {
    const { distPath, env, execArgv } = this.#options;
    ({ thread: this.#thread, runs: this.#runs } = kept ?? {
      thread: new Worker(join(distPath, 'workers', 'threads.js'), {
        env,
        execArgv,
        stdout: true,
        stderr: true,
      }),
      runs: 0,
    });
    kept = undefined;
    this.#thread.ref();
  }

  send(message) {
    // A thread that was told to stop listens no longer.
    if (message.type !== 'stop') return this.#thread.postMessage(this.#withTimeout(message));
    this.#stopsInGoodOrder = true;
    this.#thread.emit('message', { __vitest_worker_response__: true, type: 'stopped' });
  }

  #withTimeout(message) {
    if (message.type !== 'start' || this.#options.project.getProvidedContext().mode !== 'mutant')
      return message;
    const { context } = message;
    return {
      ...message,
      context: { ...context, config: { ...context.config, testTimeout: MUTANT_TEST_TIMEOUT_MS } },
    };
  }

  async stop() {
    if (!this.#stopsInGoodOrder || ++this.#runs >= RUNS_OF_A_THREAD || kept !== undefined) {
      await this.#thread.terminate();
      return;
    }
    for (const event of ['message', 'error', 'exit']) this.#thread.removeAllListeners(event);
    this.#thread.unref();
    kept = { thread: this.#thread, runs: this.#runs };
  }

  on(event, callback) {
    this.#thread.on(event, callback);
  }

  off(event, callback) {
    this.#thread.off(event, callback);
  }

  deserialize(data) {
    return data;
  }
}

/** A Vite plugin, since Stryker sets the pool itself. */
export const keepWorker = {
  name: 'keep-worker',
  configureVitest({ vitest, project }) {
    for (const config of [vitest.config, project.config]) {
      config.pool = 'kept';
      config.poolRunner = { name: 'kept', createPoolWorker: (options) => new KeptWorker(options) };
    }
  },
};
