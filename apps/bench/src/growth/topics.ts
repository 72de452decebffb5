import type { Carrier, CarrierHandler, Channel, Topic, Transport, TransportConnection } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import { createSealedTransport } from '@sotto/whisper-transport';
import type { Extent, Growth } from './curve.js';
import { Notebook } from './notebook.js';
import type { Providers } from './providers.js';
import { each, inMilliseconds, type Spent, timed } from './stopwatch.js';

const SIZES = [1, 10, 100, 1_000, 10_000, 100_000];
/** Envelopes per measurement. */
const OURS = 64;
const FOREIGN = 65_536;
/** Keys really derived, per round. */
const DERIVED = 4;
const BYTES = 1024;

const along = 'topics listened to';
const CURVES = {
  ours: { id: 'topics-ours', title: 'Take an envelope of ours, 1 KiB, µs', along },
  foreign: { id: 'topics-foreign', title: 'Pass over a foreign envelope, µs', along },
  listen: { id: 'topics-listen', title: 'Set what is listened to, keys known, ms', along },
  derive: { id: 'topics-derive', title: 'Derive the key of a new topic, ms', along: 'topics' },
} as const;
const LINE = 'sealed transport';

/** Cost of an envelope by the number of topics, for us or for others. */
export async function measureTopics({ accelerated: crypto }: Providers, extent: Extent): Promise<Growth> {
  const { rounds, short, onProgress } = extent;
  const sizes = short ? SIZES.slice(0, 2) : SIZES;
  const notebook = new Notebook();
  const listeners = new Map<number, Ear>();
  for (const size of sizes) {
    onProgress(`topics: listening to ${size}`);
    listeners.set(size, await Ear.open(crypto, size));
  }
  const sender = await Mouth.open(crypto);
  // The first round is a warm-up.
  for (let round = 0; round <= rounds; round++) {
    const foreign = await sender.seal({ kind: 'public', name: 'elsewhere' }, BYTES);
    for (const [size, ear] of listeners) {
      onProgress(`topics: ${size}, round ${round} of ${rounds}`);
      const listening = await timed(() => ear.listen());
      const envelopes: Sealed[] = [];
      for (let i = 0; i < OURS; i++) {
        const name = nameOf(Math.floor(Math.random() * size));
        envelopes.push(await sender.seal({ kind: 'public', name }, BYTES));
      }
      const heard = ear.heard;
      const ours = await timed(async () => {
        for (const envelope of envelopes) await ear.take(envelope);
      });
      if (ear.heard - heard !== OURS) throw new Error('an envelope was not opened');
      const others = await timed(async () => {
        for (let i = 0; i < FOREIGN; i++) await ear.take(foreign);
      });
      if (round === 0) continue;
      notebook.note(CURVES.listen, LINE, size, inMilliseconds(listening));
      notebook.note(CURVES.ours, LINE, size, each(ours, OURS));
      notebook.note(CURVES.foreign, LINE, size, each(others, FOREIGN));
    }
    if (round > 0)
      notebook.note(CURVES.derive, 'PBKDF2, on this thread', 1, inMilliseconds(await timeDerivation(crypto)));
  }
  await Promise.all([sender.close(), ...[...listeners.values()].map((ear) => ear.close())]);
  const [least, most] = [sizes[0] as number, sizes.at(-1) as number];
  return {
    curves: notebook.curves(),
    aims: (['ours', 'foreign'] as const).map((what) => ({
      what: `${what === 'ours' ? 'an envelope of ours' : 'a foreign envelope'}, ${most} topics to ${least}`,
      most: 1.5,
      unit: 'x',
      values: [
        [
          '',
          notebook.pairedRatio(
            { curve: CURVES[what].id, line: LINE, at: most },
            { curve: CURVES[what].id, line: LINE, at: least },
          ),
        ],
      ],
    })),
  };
}

interface Sealed {
  readonly topic: Topic;
  readonly envelope: Uint8Array;
}

/** Cost of deriving the key of a topic in production. */
async function timeDerivation(crypto: CryptoProvider): Promise<Spent> {
  const { carrier } = hollowCarrier();
  const transport = createSealedTransport(carrier, { crypto, policy: { minimumPow: 0 } });
  const connection = await transport.connect({
    identity: crypto.secp256k1.generateKeyPair(),
    onMessage: async () => {},
  });
  const channels = Array.from({ length: DERIVED }, (_, i): Channel => ({ kind: 'public', name: nameOf(i) }));
  const spent = await timed(() => connection.subscribe(channels));
  await connection.close();
  return each(spent, DERIVED);
}

/** A connection subscribed to many topics. */
class Ear {
  heard = 0;
  readonly #channels: readonly Channel[];
  readonly #handler: () => CarrierHandler;
  #connection!: TransportConnection;

  private constructor(size: number, handler: () => CarrierHandler) {
    this.#channels = Array.from({ length: size }, (_, i) => ({ kind: 'public', name: nameOf(i) }));
    this.#handler = handler;
  }

  static async open(crypto: CryptoProvider, size: number): Promise<Ear> {
    const { carrier, handler } = hollowCarrier();
    const ear = new Ear(size, handler);
    ear.#connection = await quickTransport(crypto, carrier).connect({
      identity: crypto.secp256k1.generateKeyPair(),
      onMessage: async () => {
        ear.heard++;
      },
    });
    await ear.listen();
    return ear;
  }

  listen(): Promise<void> {
    return this.#connection.subscribe(this.#channels);
  }

  async take({ topic, envelope }: Sealed): Promise<void> {
    await this.#handler().onEnvelope(topic, envelope, false);
  }

  close(): Promise<void> {
    return this.#connection.close();
  }
}

/** A connection that seals envelopes. */
class Mouth {
  readonly #crypto: CryptoProvider;
  readonly #sealed: Sealed[];
  readonly #connection: TransportConnection;

  private constructor(crypto: CryptoProvider, sealed: Sealed[], connection: TransportConnection) {
    this.#crypto = crypto;
    this.#sealed = sealed;
    this.#connection = connection;
  }

  static async open(crypto: CryptoProvider): Promise<Mouth> {
    const { carrier, published } = hollowCarrier();
    const connection = await quickTransport(crypto, carrier).connect({
      identity: crypto.secp256k1.generateKeyPair(),
      onMessage: async () => {},
    });
    return new Mouth(crypto, published, connection);
  }

  async seal(channel: Channel, bytes: number): Promise<Sealed> {
    await this.#connection.send(channel, this.#crypto.randomBytes(bytes));
    return this.#sealed.pop() as Sealed;
  }

  close(): Promise<void> {
    return this.#connection.close();
  }
}

/** Sealing with a trivial key derivation: the real one is needed once per key and measured separately. */
function quickTransport(crypto: CryptoProvider, carrier: Carrier): Transport {
  return createSealedTransport(carrier, {
    crypto,
    policy: { minimumPow: 0 },
    pbkdf2: async ({ password }) => crypto.sha256(password),
  });
}

/** A carrier without a network: it keeps what is published, and its handler can be called. */
function hollowCarrier() {
  const published: Sealed[] = [];
  let handling: CarrierHandler | undefined;
  const carrier: Carrier = {
    capabilities: { maxEnvelopeBytes: 2 ** 20, history: false, minimumPow: 0 },
    open: async (handler) => {
      handling = handler;
      return {
        publish: async (topic, envelope) => {
          published.push({ topic, envelope: envelope.slice() });
        },
        subscribe: async () => {},
        close: async () => {},
      };
    },
  };
  return { carrier, published, handler: () => handling as CarrierHandler };
}

const nameOf = (number: number) => `chat-${number}`;
