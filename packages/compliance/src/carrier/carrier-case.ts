import {
  type Carrier,
  type CarrierConnection,
  compareBytes,
  concatBytes,
  copyBytes,
  encodeHex,
  encodeUtf8,
  type Topic,
} from '@sotto/core';
import { caseNumber } from '../support/case-number.js';
import { Arrivals, type TimeLimit } from '../support/time-limit.js';

/** A network that a carrier moves envelopes through. Cases may share it, as each has topics of its own. */
export interface CarrierFixture {
  /** The carrier, for one more who connects to the same network. */
  carrier(): Carrier;
  /** Makes an envelope around the content, for a pipe that takes no other bytes. Default: the content itself. */
  wrap?(topic: Topic, content: Uint8Array): Uint8Array | Promise<Uint8Array>;
  /** Cuts all that are connected off, and lets them connect again. Resolves when they can. */
  interrupt?(): Promise<void>;
}

/** One requirement on a carrier. */
export interface CarrierCase {
  /** Unique; begins with what it is about, as in `topics: ...`. */
  readonly name: string;
  /**
   * Throws a plain Error that says what was expected when the carrier doesn't meet it. Closes every connection that it
   * opens; the caller disposes of the fixture.
   */
  run(fixture: CarrierFixture): Promise<void>;
}

/** What is known of the network, see `CarrierCasesOptions`. */
export interface CarrierTraits {
  readonly loses: boolean;
  readonly repeats: boolean;
  readonly retains: boolean;
  readonly timeLimit: TimeLimit;
}

/** An envelope that arrived. */
export interface Arrival {
  readonly topic: Topic;
  readonly envelope: Uint8Array;
  readonly fromHistory: boolean;
}

/** Attempts to get something through a pipe that loses, or to make an envelope of one length. */
export const ATTEMPTS = 20;

/** Bits of a topic that tell those of one case apart; the others tell the cases apart. */
const TOPIC_BITS = 12;

/** A case with any number of connections, all of which are closed at its end. */
export function onCarrier(
  name: string,
  traits: CarrierTraits,
  run: (network: TestNetwork, fixture: CarrierFixture) => Promise<void>,
): CarrierCase {
  return {
    name,
    async run(fixture) {
      const network = new TestNetwork(fixture, traits);
      try {
        await run(network, fixture);
      } finally {
        await network.close();
      }
    },
  };
}

/** Opens connections for a case, makes envelopes, and gets them through. */
export class TestNetwork {
  readonly #fixture: CarrierFixture;
  readonly #traits: CarrierTraits;
  readonly #ends: Endpoint[] = [];
  readonly #case = caseNumber();
  /** A few that belong to this case alone. */
  readonly topics: readonly [Topic, Topic, Topic] = [this.topicAt(0), this.topicAt(1), this.topicAt(2)];
  #made = 0;

  constructor(fixture: CarrierFixture, traits: CarrierTraits) {
    this.#fixture = fixture;
    this.#traits = traits;
  }

  get timeLimit(): TimeLimit {
    return this.#traits.timeLimit;
  }

  /** The first of {@link topics}, for who needs one. */
  get topic(): Topic {
    return this.topics[0];
  }

  /** The same each time, for a number below 4096. */
  topicAt(n: number): Topic {
    const topic = new Uint8Array(4);
    new DataView(topic.buffer).setUint32(0, (this.#case << TOPIC_BITS) | n);
    return topic;
  }

  async open(topics: readonly Topic[] = [], onEnvelope?: (arrival: Arrival) => void): Promise<Endpoint> {
    const { timeLimit } = this.#traits;
    const arrivals = new Arrivals<Arrival>();
    const statuses = new Arrivals<string>();
    const opening = this.#fixture.carrier().open({
      onEnvelope(topic, envelope, fromHistory) {
        // What they are when they come; the receiver may change its bytes.
        arrivals.add({ topic: copyBytes(topic), envelope: copyBytes(envelope), fromHistory });
        onEnvelope?.({ topic, envelope, fromHistory });
      },
      onStatus: (status) => statuses.add(status),
    });
    const connection = await timeLimit.wait(opening, 'open resolves');
    const end = new Endpoint(connection, arrivals, statuses);
    this.#ends.push(end);
    await timeLimit.wait(connection.subscribe(topics), 'subscribe resolves');
    return end;
  }

  /** Another envelope each time, of so many bytes of content at least. */
  async envelope(topic: Topic, size = 32): Promise<Uint8Array> {
    const name = encodeUtf8(`${encodeHex(topic)} ${this.#made++} `);
    const filling = Uint8Array.from({ length: Math.max(0, size - name.length) }, (_, i) => (i * 31) & 0xff);
    const content = concatBytes(name, filling);
    return (await this.#fixture.wrap?.(topic, content)) ?? content;
  }

  /** Publishes a new envelope, and answers it. */
  async publish(from: Endpoint, topic: Topic, size?: number): Promise<Uint8Array> {
    const envelope = await this.envelope(topic, size);
    await this.timeLimit.wait(from.connection.publish(topic, envelope), 'publish resolves');
    return envelope;
  }

  /** An envelope of just so many bytes, whatever wrapping adds: proof of work has a nonce of one length or another. */
  async envelopeOf(topic: Topic, length: number): Promise<Uint8Array> {
    let size = length;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const envelope = await this.envelope(topic, size);
      if (envelope.length === length) return envelope;
      size -= envelope.length - length;
    }
    throw new Error(`Expected that an envelope can be made of ${length} bytes.`);
  }

  /** Publishes a new envelope until it has come to all these; answers it. */
  async bring(from: Endpoint, topic: Topic, to: readonly Endpoint[], size?: number): Promise<Uint8Array> {
    const envelope = await this.envelope(topic, size);
    await this.carry(from, topic, to, envelope);
    return envelope;
  }

  /** Publishes an envelope until it has come to all these. */
  async carry(from: Endpoint, topic: Topic, to: readonly Endpoint[], envelope: Uint8Array): Promise<void> {
    const there = Promise.all(to.map((end) => end.arrivals.until(carries(envelope))));
    for (let attempt = this.#traits.loses ? ATTEMPTS : 1; attempt > 0; attempt--) {
      await this.timeLimit.wait(from.connection.publish(topic, envelope), 'publish resolves');
      try {
        await this.timeLimit.wait(there, `an envelope of ${envelope.length} bytes arrives`);
        return;
      } catch (error) {
        if (attempt === 1) throw error;
      }
    }
  }

  /** Lets come what is on its way to these: what is sent later arrives, with a few in between. */
  async settle(from: Endpoint, topic: Topic, to: readonly Endpoint[]): Promise<void> {
    for (let i = 0; i < 3; i++) await this.bring(from, topic, to);
  }

  async close(): Promise<void> {
    const closing = Promise.all(this.#ends.map(({ connection }) => connection.close()));
    await this.timeLimit.wait(closing, 'close resolves');
  }
}

/** One connection, and what came by it. */
export class Endpoint {
  constructor(
    readonly connection: CarrierConnection,
    readonly arrivals: Arrivals<Arrival>,
    readonly statuses: Arrivals<string>,
  ) {}

  /** How often the envelope has come. */
  count(envelope: Uint8Array): number {
    return this.arrivals.count(carries(envelope));
  }
}

export function carries(envelope: Uint8Array): (arrival: Arrival) => boolean {
  return (arrival) => compareBytes(arrival.envelope, envelope) === 0;
}
