import { errorName, isSottoError } from '@sotto/core';
import type { PostgresDatabase } from '@sotto/store-adapters/postgres';
import { Bot, type BotSurroundings } from './bot.js';
import { Places } from './places.js';

/** How far back a process looks for what came while nobody had a bot: many times as long as a takeover takes. */
const LOOK_BACK_MS = 600_000;
/** Bots that are loaded at the same time. */
const LOADED_AT_ONCE = 16;

/** Which of the bots are a process's own; those of others it takes only when nobody has them. */
export interface Share {
  /** From 0. */
  readonly process: number;
  readonly processes: number;
  /** Milliseconds in which the other processes may start, and take their own. */
  readonly startMs: number;
}

/** The bots of a process. */
export class Fleet {
  readonly #database: PostgresDatabase;
  readonly #surroundings: BotSurroundings;
  readonly #bots = new Map<string, Bot>();
  /** Few at a time: what bots read must not stand in the way of stores that are still to be opened. */
  readonly #loading = new Places(LOADED_AT_ONCE);
  readonly #stopping = new AbortController();

  constructor(database: PostgresDatabase, surroundings: BotSurroundings) {
    this.#database = database;
    this.#surroundings = surroundings;
  }

  get size(): number {
    return this.#bots.size;
  }

  bot(name: string): Bot | undefined {
    return this.#bots.get(name);
  }

  /** Opens a process's own bots as soon as they can be had; resolves when it has them. Then waits for those of others. */
  async run(names: readonly string[], { process, processes, startMs }: Share): Promise<void> {
    const isOwn = (_: string, i: number) => i % processes === process;
    await this.#have(names.filter(isOwn));
    if (processes === 1) return;
    setTimeout(() => {
      const others = names.filter((name, i) => !isOwn(name, i));
      void this.#have(others).catch((error: unknown) => {
        this.#surroundings.report('failed', { error: errorName(error) });
      });
    }, startMs).unref();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all([...this.#bots.values()].map((bot) => bot.stop()));
    this.#bots.clear();
  }

  async #have(names: readonly string[]): Promise<void> {
    const { topics, report } = this.#surroundings;
    const begin = performance.now();
    // Those that come while it looks back for others are looked back for together.
    let known: Bot[] = [];
    let looking: Promise<void> = Promise.resolve();
    const lookBack = async () => {
      const bots = known;
      known = [];
      if (bots.length === 0) return;
      const now = Date.now();
      await topics.lookBack(bots, now - LOOK_BACK_MS, now);
      report('took', { bots: bots.length, ms: Math.round(performance.now() - begin) });
    };
    let count = 0;
    const opened = () => {
      if (++count === names.length) {
        report('open', { stores: count, ms: Math.round(performance.now() - begin) });
      }
    };
    await Promise.all(
      names.map(async (name) => {
        const bot = await this.#open(name, opened);
        if (bot === undefined) return;
        known.push(bot);
        looking = looking.then(lookBack);
        await looking;
      }),
    );
    report('complete', {
      bots: this.#bots.size,
      ms: Math.round(performance.now() - begin),
      megabytes: Math.round(process.memoryUsage().rss / 1_000_000),
    });
  }

  /** @returns the bot, if it may have missed something */
  async #open(name: string, opened: () => void): Promise<Bot | undefined> {
    try {
      const { signal } = this.#stopping;
      const store = await this.#database.openStore({ name, whenLocked: 'wait', signal });
      const bot = new Bot(name, store, this.#surroundings);
      this.#bots.set(name, bot);
      opened();
      void store.handedOver.then(() => this.#lose(name, bot));
      const isKnown = await this.#load(bot);
      await bot.listen();
      return isKnown ? bot : undefined;
    } catch (error) {
      if (isSottoError(error, 'ABORTED') || isSottoError(error, 'CLOSED')) return undefined;
      // Taken over as soon as it was opened.
      if (isSottoError(error, 'STORE_LOCKED')) return undefined;
      throw error;
    }
  }

  async #load(bot: Bot): Promise<boolean> {
    const leave = await this.#loading.enter();
    try {
      return await bot.load();
    } finally {
      leave();
    }
  }

  /** Another process has it now: it is waited for again. */
  async #lose(name: string, bot: Bot): Promise<void> {
    this.#bots.delete(name);
    await bot.stop().catch(() => {});
    this.#surroundings.report('lost', { bot: name, all: this.#bots.size });
    if (!this.#stopping.signal.aborted) await this.#have([name]);
  }
}
