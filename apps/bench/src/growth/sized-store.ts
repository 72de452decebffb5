import type { CryptoProvider } from '@sotto/crypto';
import { createMessenger, type Messenger } from '@sotto/messenger';
import { settledMemory } from './memory.js';
import { type Letter, PostOffice } from './post-office.js';
import type { Seed } from './seed.js';
import { each, type Spent, timed } from './stopwatch.js';
import { countingCommits, type GrowthStore, openGrowthStore } from './stores.js';

/** Prefixes of the keys of sessions. */
const SESSION = 'session/';

/** Cost of one message. */
export interface PerMessage {
  readonly spent: Spent;
  /** Number of commits that change its session. */
  readonly commits: number;
}

/** A store of a given size, with a messenger on it. */
export class SizedStore {
  readonly #seed: Seed;
  readonly #kind: GrowthStore;
  readonly #path: string;
  readonly #identities: readonly Uint8Array[];
  readonly #payload: Uint8Array;
  readonly #post = new PostOffice();
  #opened: { readonly messenger: Messenger; readonly commits: () => number } | undefined;
  #acknowledged: Promise<unknown>[] = [];
  #received = 0;

  constructor(
    seed: Seed,
    kind: GrowthStore,
    path: string,
    identities: readonly Uint8Array[],
    payload: Uint8Array,
  ) {
    this.#seed = seed;
    this.#kind = kind;
    this.#path = path;
    this.#identities = identities;
    this.#payload = payload;
  }

  get size(): number {
    return this.#identities.length;
  }

  async timeOpening(crypto: CryptoProvider): Promise<Spent> {
    let messenger: Messenger | undefined;
    const spent = await timed(async () => {
      ({ messenger } = await this.#open(crypto));
    });
    await messenger?.close();
    return spent;
  }

  /** Opens it and keeps it open. Returns the memory in use and the cost until it is connected. */
  async begin(crypto: CryptoProvider): Promise<{ readonly memory: number; readonly start: Spent }> {
    const before = await settledMemory();
    this.#opened = await this.#open(crypto);
    const { messenger } = this.#opened;
    messenger.on('message', (message) => void this.#acknowledged.push(message.acknowledge()));
    const start = await timed(() => messenger.start());
    await messenger.flushed();
    return { memory: (await settledMemory()) - before, start };
  }

  /** Sends messages in random sessions, each until it was passed to the transport. */
  async sendSome(messages: number): Promise<PerMessage> {
    return this.#perMessage(messages, async ({ messenger }) => {
      for (let i = 0; i < messages; i++) {
        const to = this.#identities[Math.floor(Math.random() * this.size)] as Uint8Array;
        await messenger.send(to, this.#payload);
        await messenger.flushed();
      }
    });
  }

  /** Receives and acknowledges messages from one peer after the other, continuing after the previous call. */
  async receiveSome(messages: number): Promise<PerMessage> {
    const { correspondents } = this.#seed;
    const senders = Math.min(correspondents.length, this.size);
    const letters = Array.from({ length: messages }, () => {
      const number = this.#received++;
      return correspondents[number % senders]?.letters[Math.floor(number / senders)] as Letter;
    });
    return this.#perMessage(messages, async () => {
      for (const letter of letters) {
        await this.#post.deliver(letter);
        const acknowledged = await Promise.all(this.#acknowledged.splice(0));
        if (acknowledged.length !== 1) throw new Error('a message was not received');
      }
    });
  }

  async end(): Promise<void> {
    await this.#opened?.messenger.close();
    this.#opened = undefined;
  }

  async #open(crypto: CryptoProvider) {
    const { store, commits } = countingCommits(await openGrowthStore(this.#kind, this.#path), SESSION);
    const { identity } = this.#seed;
    const messenger = await createMessenger({
      identity,
      store,
      transport: this.#post,
      crypto,
      postQuantum: false,
    });
    return { messenger, commits };
  }

  async #perMessage(
    messages: number,
    run: (opened: { readonly messenger: Messenger }) => Promise<void>,
  ): Promise<PerMessage> {
    const opened = this.#opened;
    if (opened === undefined) throw new Error('the store is not open');
    const before = opened.commits();
    const spent = await timed(() => run(opened));
    return { spent: each(spent, messages), commits: (opened.commits() - before) / messages };
  }
}
