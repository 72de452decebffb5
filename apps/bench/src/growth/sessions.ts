import { join } from 'node:path';
import type { CryptoProvider } from '@sotto/crypto';
import { createMessenger, type Messenger } from '@sotto/messenger';
import { type Extent, type Growth, Notebook } from './curve.js';
import { usedMemory } from './memory.js';
import { type Letter, PostOffice } from './post-office.js';
import { growSeed, recordsOf, type Seed } from './seed.js';
import { countingCommits, fillStore, type GrowthStore, openGrowthStore } from './stores.js';

const STORES: readonly GrowthStore[] = ['LevelDB', 'SQLite', 'encrypted LevelDB'];
const SIZES = [10, 100, 1_000, 10_000, 100_000];
/** Messages sent in a round, each in a session drawn by lot. */
const SENDS = 64;
const SHORT_SENDS = 4;
/** Messages received in a round, each in another session where there are enough. */
const RECEIVES = 8;
const BYTES = 1024;
/** Below so many sessions their memory is lost in that of everything else. */
const MEMORY_FROM = 1_000;

const along = 'sessions in the store';
const CURVES = {
  open: { id: 'sessions-open', title: 'Open store and messenger, ms', along },
  start: { id: 'sessions-start', title: 'Connect: the topics of all conversations, ms', along },
  send: { id: 'sessions-send', title: 'Send 1 KiB, µs', along },
  receive: { id: 'sessions-receive', title: 'Receive 1 KiB and acknowledge it, µs', along },
  sendCommits: {
    id: 'sessions-send-commits',
    title: 'Commits of a message sent, until the transport has it',
    along,
  },
  receiveCommits: {
    id: 'sessions-receive-commits',
    title: 'Commits of a message received, until acknowledged',
    along,
  },
  memory: { id: 'sessions-memory', title: 'Memory a session, bytes', along },
} as const;

/** How a store grows old: 10 to 100,000 sessions with as many people. */
export async function measureSessions(crypto: CryptoProvider, extent: Extent): Promise<Growth> {
  const { rounds, short, onProgress } = extent;
  const sizes = short ? SIZES.slice(0, 2) : SIZES;
  onProgress('sessions: some by messages');
  // Of the smallest store all are correspondents; in the others there is one for each message of a round.
  const correspondents = short ? 10 : RECEIVES * (rounds + 1);
  const letters = Math.ceil((RECEIVES * (rounds + 1)) / 10);
  const seed = await growSeed(crypto, { correspondents, letters, bytes: BYTES });
  const identities = Array.from(
    { length: sizes.at(-1) as number },
    (_, i) => seed.correspondents[i]?.identity ?? crypto.secp256k1.generateKeyPair().publicKey,
  );
  const notebook = new Notebook();
  for (const kind of STORES) {
    const stores: SizedStore[] = [];
    for (const size of sizes) {
      onProgress(`sessions, ${kind}: filling a store with ${size}`);
      const path = join(extent.folder, `sessions-${kind.replaceAll(' ', '-')}-${size}`);
      const store = await openGrowthStore(kind, path);
      await fillStore(store, recordsOf(crypto, seed, identities.slice(0, size)));
      await store.close();
      stores.push(new SizedStore(crypto, seed, kind, path, identities.slice(0, size)));
    }
    for (let round = 0; round < rounds; round++) {
      for (const store of stores) {
        onProgress(`sessions, ${kind}: opening ${store.size}, round ${round + 1} of ${rounds}`);
        notebook.note(CURVES.open, kind, store.size, await store.timeOpening());
      }
    }
    for (const store of stores) {
      onProgress(`sessions, ${kind}: connecting ${store.size}`);
      const { memory, start } = await store.begin();
      if (short || store.size >= MEMORY_FROM) {
        notebook.note(CURVES.memory, kind, store.size, Math.max(0, memory / store.size));
      }
      notebook.note(CURVES.start, kind, store.size, start);
    }
    // The first round warms up.
    for (let round = 0; round <= rounds; round++) {
      for (const store of stores) {
        onProgress(`sessions, ${kind}: messages with ${store.size}, round ${round} of ${rounds}`);
        const sent = await store.sendSome(short ? SHORT_SENDS : SENDS);
        const received = await store.receiveSome(round);
        if (round === 0) continue;
        notebook.note(CURVES.send, kind, store.size, sent.time);
        notebook.note(CURVES.receive, kind, store.size, received.time);
        notebook.note(CURVES.sendCommits, kind, store.size, sent.commits);
        notebook.note(CURVES.receiveCommits, kind, store.size, received.commits);
      }
    }
    for (const store of stores) await store.end();
  }
  const recordBytes = Math.max(
    ...seed.correspondents.flatMap(({ entries }) =>
      entries.filter(([key]) => key.startsWith('session/')).map(([, value]) => value.length),
    ),
  );
  return { curves: notebook.curves(), aims: aimsOf(notebook, sizes, recordBytes) };
}

function aimsOf(notebook: Notebook, sizes: readonly number[], recordBytes: number): Growth['aims'] {
  const [least, most] = [sizes[0] as number, sizes.at(-1) as number];
  const open = notebook.curves().find(({ id }) => id === CURVES.open.id);
  return [
    ...STORES.flatMap((kind) => {
      const line = open?.lines.find(({ title }) => title === kind);
      const opening = line?.points.at(-1)?.figure.median ?? Number.NaN;
      const ratio = (curve: string) =>
        notebook.pairedRatio({ curve, line: kind, at: most }, { curve, line: kind, at: least });
      const compared = `${most} sessions to ${least}, ${kind}`;
      return [
        { what: `open ${most} sessions, ${kind}`, value: opening, most: 1000, unit: ' ms' },
        { what: `send, ${compared}`, value: ratio(CURVES.send.id), most: 1.5, unit: 'x' },
        { what: `receive, ${compared}`, value: ratio(CURVES.receive.id), most: 1.5, unit: 'x' },
      ];
    }),
    { what: 'session record without skipped keys', value: recordBytes, most: 300, unit: ' bytes' },
  ];
}

/** A store of some size, with the messenger on it. */
class SizedStore {
  readonly #crypto: CryptoProvider;
  readonly #seed: Seed;
  readonly #kind: GrowthStore;
  readonly #path: string;
  readonly #identities: readonly Uint8Array[];
  readonly #payload: Uint8Array;
  readonly #post = new PostOffice();
  #opened: { readonly messenger: Messenger; readonly commits: () => number } | undefined;
  #acknowledged: Promise<unknown>[] = [];

  constructor(
    crypto: CryptoProvider,
    seed: Seed,
    kind: GrowthStore,
    path: string,
    identities: readonly Uint8Array[],
  ) {
    this.#crypto = crypto;
    this.#seed = seed;
    this.#kind = kind;
    this.#path = path;
    this.#identities = identities;
    this.#payload = crypto.randomBytes(BYTES);
  }

  get size(): number {
    return this.#identities.length;
  }

  /** Milliseconds. */
  async timeOpening(): Promise<number> {
    const begin = performance.now();
    const { messenger } = await this.#open();
    const passed = performance.now() - begin;
    await messenger.close();
    return passed;
  }

  /** Opens it to stay open: bytes that it takes, milliseconds until it is connected. */
  async begin(): Promise<{ readonly memory: number; readonly start: number }> {
    const before = usedMemory();
    this.#opened = await this.#open();
    const { messenger } = this.#opened;
    messenger.on('message', (message) => void this.#acknowledged.push(message.acknowledge()));
    const begin = performance.now();
    await messenger.start();
    const start = performance.now() - begin;
    await messenger.flushed();
    return { memory: usedMemory() - before, start };
  }

  async sendSome(messages: number): Promise<PerMessage> {
    return this.#perMessage(messages, async ({ messenger }) => {
      for (let i = 0; i < messages; i++) {
        const to = this.#identities[Math.floor(Math.random() * this.size)] as Uint8Array;
        await messenger.send(to, this.#payload);
        await messenger.flushed();
      }
    });
  }

  async receiveSome(round: number): Promise<PerMessage> {
    const { correspondents } = this.#seed;
    const senders = Math.min(correspondents.length, this.size);
    const letters = Array.from({ length: RECEIVES }, (_, i) => {
      const number = round * RECEIVES + i;
      return correspondents[number % senders]?.letters[Math.floor(number / senders)] as Letter;
    });
    return this.#perMessage(RECEIVES, async () => {
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

  async #open() {
    const { store, commits } = countingCommits(await openGrowthStore(this.#kind, this.#path));
    const messenger = await createMessenger({
      identity: this.#seed.identity,
      store,
      transport: this.#post,
      crypto: this.#crypto,
    });
    return { messenger, commits };
  }

  async #perMessage(
    messages: number,
    run: (opened: { readonly messenger: Messenger }) => Promise<void>,
  ): Promise<PerMessage> {
    if (this.#opened === undefined) throw new Error('the store is not open');
    const { commits } = this.#opened;
    const [before, begin] = [commits(), performance.now()];
    await run(this.#opened);
    return {
      time: ((performance.now() - begin) * 1000) / messages,
      commits: (commits() - before) / messages,
    };
  }
}

interface PerMessage {
  /** Microseconds. */
  readonly time: number;
  readonly commits: number;
}
