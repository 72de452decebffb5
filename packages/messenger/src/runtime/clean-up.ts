import type { MessengerContext } from './context.js';

const INTERVAL_MS = 6 * 60 * 60_000;

/** Deletes what has expired, every 6 hours. */
export class CleanUp {
  readonly #context: MessengerContext;

  constructor(context: MessengerContext) {
    this.#context = context;
  }

  /** First after one interval: opening a device cleans up, too. */
  start(): void {
    const { runtime } = this.#context;
    runtime.schedule('clean-up', INTERVAL_MS, () => {
      runtime.inBackground(this.#run());
      this.start();
    });
  }

  /** Deletes by a trusted time of our clock; some records in each transaction, so that nothing waits long. */
  async #run(): Promise<void> {
    const { device, runtime } = this.#context;
    const time = await runtime.transaction((tx) => device.certainTime(tx));
    if (time === undefined) return;
    let position = await runtime.transaction((tx) => device.deleteExpired(tx, undefined, time));
    while (position !== undefined && !runtime.closed) {
      const from = position;
      position = await runtime.transaction((tx) => device.deleteExpired(tx, from, time));
    }
  }
}
