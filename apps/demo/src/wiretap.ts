import {
  type Carrier,
  type Channel,
  SerialQueue,
  type Topic,
  type Transport,
  type TransportMessage,
} from '@sotto/core';
import { createSealedTransport, type Pbkdf2 } from '@sotto/whisper-transport';
import { viewWire } from './wire-view.js';

/** A message on its way: what was sealed, and the envelope that everyone on the network sees. */
export interface Overheard {
  readonly channel: Channel;
  /** The ProtocolMessage. */
  readonly payload: Uint8Array;
  readonly topic: Topic;
  readonly envelope: Uint8Array;
}

/** Lifetime of an envelope in seconds: enough for a busy machine. */
const TTL = 60;

/** Records what one device sent and received. Messages that only publish a bundle are left out. */
export class Wiretap {
  /** Whether envelopes are intercepted: recorded in `sent`, but not published. */
  catching = false;
  readonly sent: Overheard[] = [];
  readonly arrived: TransportMessage[] = [];
  /** Number of envelopes published. */
  published = 0;
  readonly #pbkdf2: Pbkdf2;
  readonly #onPublished: (overheard: Overheard) => void;
  /** What is being sealed; one at a time, so that each envelope is known by what is in it. */
  #sealing: Pick<Overheard, 'channel' | 'payload'> | undefined;
  readonly #queue = new SerialQueue();

  /** @param pbkdf2 derives the keys of channels */
  constructor(pbkdf2: Pbkdf2, onPublished: (overheard: Overheard) => void) {
    this.#pbkdf2 = pbkdf2;
    this.#onPublished = onPublished;
  }

  /** A sealed transport over the carrier, observed above and below the sealing. */
  over(carrier: Carrier): Transport {
    const sealed = createSealedTransport(this.#below(carrier), { ttl: TTL, pbkdf2: this.#pbkdf2 });
    return {
      capabilities: sealed.capabilities,
      connect: async (options) => {
        const connection = await sealed.connect({
          ...options,
          onMessage: (message) => {
            if (hasContent(message.payload)) {
              this.arrived.push({ ...message, payload: message.payload.slice() });
            }
            return options.onMessage(message);
          },
        });
        const history = connection.history?.bind(connection);
        return {
          send: (channel, payload, sendOptions) =>
            this.#queue.run(async () => {
              this.#sealing = { channel, payload: payload.slice() };
              await connection.send(channel, payload, sendOptions);
            }),
          subscribe: (channels) => connection.subscribe(channels),
          ...(history && { history }),
          close: () => connection.close(),
        };
      },
    };
  }

  #below(carrier: Carrier): Carrier {
    return {
      capabilities: carrier.capabilities,
      open: async (handler, options) => {
        const connection = await carrier.open(handler, options);
        const history = connection.history?.bind(connection);
        return {
          publish: async (topic, envelope, publishOptions) => {
            if (!this.catching) await connection.publish(topic, envelope, publishOptions);
            this.#note(topic, envelope);
          },
          subscribe: (topics) => connection.subscribe(topics),
          ...(history && { history }),
          close: () => connection.close(),
        };
      },
    };
  }

  #note(topic: Topic, envelope: Uint8Array): void {
    if (this.#sealing === undefined) return;
    const overheard = { ...this.#sealing, topic: topic.slice(), envelope: envelope.slice() };
    this.published++;
    if (hasContent(overheard.payload)) this.sent.push(overheard);
    if (!this.catching) this.#onPublished(overheard);
  }
}

function hasContent(payload: Uint8Array): boolean {
  return viewWire(payload).kind !== 'bundle only';
}
