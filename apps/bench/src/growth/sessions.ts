import { join } from 'node:path';
import type { CryptoProvider } from '@sotto/crypto';
import type { Aim, Extent, Growth } from './curve.js';
import { Notebook, type Place } from './notebook.js';
import { hurrying, type Providers } from './providers.js';
import { growSeed, recordsOf, type Seed } from './seed.js';
import { SizedStore } from './sized-store.js';
import { inMilliseconds } from './stopwatch.js';
import { fillStore, type GrowthStore, openGrowthStore } from './stores.js';

/** The store beneath encryption. Encryption costs the same over any store. */
const STORES: readonly GrowthStore[] = ['LevelDB', 'SQLite', 'encrypted LevelDB'];
const SIZES = [10, 100, 1_000, 10_000, 100_000];
/** Beyond what is aimed at. Not encrypted: sealing five million records takes an hour. */
const BEYOND = 1_000_000;
/** Messages sent per round. */
const SENDS = 64;
const SHORT_SENDS = 4;
/** Messages received per round, each in a different session if there are enough. */
const RECEIVES = 8;
const BYTES = 1024;
/** With fewer sessions their memory can't be told from everything else. */
const MEMORY_FROM = 1_000;

const along = 'sessions in the store';
const CURVES = {
  open: { id: 'sessions-open', title: 'Open store and messenger, ms', along },
  start: { id: 'sessions-start', title: 'Connect: the topics of all conversations, ms', along },
  send: { id: 'sessions-send', title: 'Send 1 KiB, µs', along },
  receive: { id: 'sessions-receive', title: 'Receive 1 KiB and acknowledge it, µs', along },
  memory: { id: 'sessions-memory', title: 'Memory a session, bytes', along },
} as const;

/** Cost by the size of a store: 10 to 1,000,000 sessions with as many peers. */
export async function measureSessions(providers: Providers, extent: Extent): Promise<Growth> {
  const { rounds, short, onProgress } = extent;
  const crypto = providers.accelerated;
  const sizes = short ? SIZES.slice(0, 2) : SIZES;
  onProgress('sessions: some by messages');
  // In the smallest store all sessions are real; in the others there is a real one for each message of a round. Each
  // is used by both providers.
  const correspondents = short ? (sizes[0] as number) : RECEIVES * (rounds + 1);
  const letters = Math.ceil((2 * RECEIVES * (rounds + 1)) / (sizes[0] as number));
  const seed = await growSeed(crypto, { correspondents, letters, bytes: BYTES });
  const identities = Array.from(
    { length: short ? (sizes.at(-1) as number) : BEYOND },
    (_, i) => seed.correspondents[i]?.identity ?? crypto.secp256k1.generateKeyPair().publicKey,
  );
  const survey = new Survey(extent, crypto);
  for (const kind of STORES) {
    const stores: SizedStore[] = [];
    for (const size of short || kind.startsWith('encrypted') ? sizes : [...sizes, BEYOND]) {
      onProgress(`sessions, ${kind}: filling a store with ${size}`);
      const path = join(extent.folder, `sessions-${kind.replaceAll(' ', '-')}-${size}`);
      const store = await openGrowthStore(kind, path);
      await fillStore(store, recordsOf(crypto, seed, identities.slice(0, size)));
      await store.close();
      stores.push(new SizedStore(seed, kind, path, identities.slice(0, size), crypto.randomBytes(BYTES)));
    }
    await survey.measure(crypto, kind, stores);
    // Growth does not depend on the provider: the ends of the curve are enough to see it.
    await survey.measure(providers.portable, `${kind}, ${PORTABLE}`, [
      stores[0],
      stores[sizes.length - 1],
    ] as SizedStore[]);
  }
  return { curves: survey.notebook.curves(), aims: [...survey.aims(sizes), recordSize(seed)] };
}

const PORTABLE = 'portable';

/** Measures stores of one kind alternately. */
class Survey {
  readonly notebook = new Notebook();
  readonly #extent: Extent;
  readonly #accelerated: CryptoProvider;
  /** Maximum number of commits per message. */
  readonly #commits = { sent: 0, received: 0 };

  /** @param accelerated for connecting with a portable provider */
  constructor(extent: Extent, accelerated: CryptoProvider) {
    this.#extent = extent;
    this.#accelerated = accelerated;
  }

  async measure(own: CryptoProvider, line: string, stores: readonly SizedStore[]): Promise<void> {
    // Connecting takes an ECDH per conversation: minutes in JavaScript for a large store, without new information.
    const { crypto, hurry } = hurrying(own, this.#accelerated);
    const { rounds, short, onProgress } = this.#extent;
    const { notebook } = this;
    for (let round = 0; round < rounds; round++) {
      for (const store of stores) {
        onProgress(`sessions, ${line}: opening ${store.size}, round ${round + 1} of ${rounds}`);
        notebook.note(CURVES.open, line, store.size, inMilliseconds(await store.timeOpening(crypto)));
      }
    }
    for (const store of stores) {
      onProgress(`sessions, ${line}: connecting ${store.size}`);
      const { memory, start } = await hurry(() => store.begin(crypto));
      if (short || store.size >= MEMORY_FROM) {
        notebook.note(CURVES.memory, line, store.size, Math.max(0, memory / store.size));
      }
      if (own === this.#accelerated) notebook.note(CURVES.start, line, store.size, inMilliseconds(start));
    }
    // The first round is a warm-up.
    for (let round = 0; round <= rounds; round++) {
      for (const store of stores) {
        onProgress(`sessions, ${line}: messages with ${store.size}, round ${round} of ${rounds}`);
        const sent = await store.sendSome(short ? SHORT_SENDS : SENDS);
        const received = await store.receiveSome(RECEIVES);
        this.#commits.sent = Math.max(this.#commits.sent, sent.commits);
        this.#commits.received = Math.max(this.#commits.received, received.commits);
        if (round === 0) continue;
        notebook.note(CURVES.send, line, store.size, sent.spent);
        notebook.note(CURVES.receive, line, store.size, received.spent);
      }
    }
    for (const store of stores) await store.end();
  }

  aims(sizes: readonly number[]): Growth['aims'] {
    const [least, most] = [sizes[0] as number, sizes.at(-1) as number];
    const { notebook } = this;
    const byLine = (suffix: string, value: (line: string) => number) =>
      STORES.map((kind): Aim['values'][number] => [kind, value(kind + suffix)]);
    const ratio = (curve: string) => (line: string) =>
      notebook.pairedRatio({ curve, line, at: most }, { curve, line, at: least });
    const aimsOf = (provider: string, suffix: string): Growth['aims'] => {
      const what = (text: string) => `${text}, ${provider}`;
      const at = (line: string): Place => ({ curve: CURVES.open.id, line, at: most });
      return [
        {
          what: what(`open a store with ${most} sessions, on the wall`),
          most: 1000,
          unit: ' ms',
          values: byLine(suffix, (line) => notebook.medianWall(at(line))),
        },
        {
          what: what(`send with ${most} sessions, to ${least}`),
          most: 1.5,
          unit: 'x',
          values: byLine(suffix, ratio(CURVES.send.id)),
        },
      ];
    };
    return [
      ...aimsOf('accelerated', ''),
      ...aimsOf(PORTABLE, `, ${PORTABLE}`),
      {
        what: `memory a session, with ${most}`,
        most: 400,
        unit: ' bytes',
        values: byLine('', (line) => notebook.median({ curve: CURVES.memory.id, line, at: most })),
      },
      ...(['sent', 'received'] as const).map((way) => ({
        what: `commits that change a session, a message ${way}`,
        most: 1,
        unit: '',
        values: [['', this.#commits[way]]] as const,
      })),
    ];
  }
}

function recordSize({ correspondents }: Seed): Aim {
  const sizes = correspondents.flatMap(({ entries }) =>
    entries.filter(([key]) => key.startsWith('session/')).map(([, value]) => value.length),
  );
  const values = [['', Math.max(...sizes)]] as const;
  return { what: 'session record without skipped keys', most: 300, unit: ' bytes', values };
}
