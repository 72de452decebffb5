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

/** A network of carriers. Cases may share it, as each has topics of its own. */
export interface CarrierFixture {
  /** A carrier for one more connection to the same network. */
  carrier(): Carrier;
  /** Wraps content in an envelope, for a carrier that accepts no other bytes. Default: the content itself. */
  wrap?(topic: Topic, content: Uint8Array): Uint8Array | Promise<Uint8Array>;
  /** Cuts all connections, and lets them reconnect. Resolves when they can. */
  interrupt?(): Promise<void>;
}

/** One requirement on a carrier. */
export interface CarrierCase {
  /** Unique; begins with its subject, as in `topics: ...`. */
  readonly name: string;
  /**
   * Throws a plain Error that says what was expected when the carrier doesn't meet it. Closes every connection that it
   * opens; the caller disposes of the fixture.
   */
  run(fixture: CarrierFixture): Promise<void>;
}

/** What the network promises, see `CarrierCasesOptions`. */
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

/** Attempts to get an envelope through a lossy carrier, or to make one of an exact length. */
export const ATTEMPTS = 20;

/** Bits of a topic that distinguish those of one case; the others distinguish the cases. */
const TOPIC_BITS = 12;

/** A case with any number of connections, all of which are closed when it ends. */
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

/** Opens connections for a case, makes envelopes, and delivers them. */
export class TestNetwork {
  readonly #fixture: CarrierFixture;
  readonly #traits: CarrierTraits;
  readonly #ends: Endpoint[] = [];
  readonly #case = caseNumber();
  /** A few topics that only this case uses. */
  readonly topics: readonly [Topic, Topic, Topic] = [this.topicAt(0), this.topicAt(1), this.topicAt(2)];
  #made = 0;

  constructor(fixture: CarrierFixture, traits: CarrierTraits) {
    this.#fixture = fixture;
    this.#traits = traits;
  }

  get timeLimit(): TimeLimit {
    return this.#traits.timeLimit;
  }

  /** The first of {@link topics}. */
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
        // A copy at the time of arrival; the receiver may change its bytes.
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

  /** A different envelope each time, with at least so many bytes of content. */
  async envelope(topic: Topic, size = 32): Promise<Uint8Array> {
    const name = encodeUtf8(`${encodeHex(topic)} ${this.#made++} `);
    const filling = Uint8Array.from({ length: Math.max(0, size - name.length) }, (_, i) => (i * 31) & 0xff);
    const content = concatBytes(name, filling);
    return (await this.#fixture.wrap?.(topic, content)) ?? content;
  }

  /** Publishes a new envelope, and returns it. */
  async publish(from: Endpoint, topic: Topic, size?: number): Promise<Uint8Array> {
    const envelope = await this.envelope(topic, size);
    await this.timeLimit.wait(from.connection.publish(topic, envelope), 'publish resolves');
    return envelope;
  }

  /** An envelope of exactly so many bytes, wrapping included: the nonce of the proof of work varies in length. */
  async envelopeOf(topic: Topic, length: number): Promise<Uint8Array> {
    let size = length;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const envelope = await this.envelope(topic, size);
      if (envelope.length === length) return envelope;
      size -= envelope.length - length;
    }
    throw new Error(`Expected that an envelope can be made of ${length} bytes.`);
  }

  /** Publishes a new envelope until all of these have received it; returns it. */
  async bring(from: Endpoint, topic: Topic, to: readonly Endpoint[], size?: number): Promise<Uint8Array> {
    const envelope = await this.envelope(topic, size);
    await this.carry(from, topic, to, envelope);
    return envelope;
  }

  /** Publishes an envelope until all of these have received it. */
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

  /** Flushes what is in transit to these: waits until envelopes sent later have arrived. */
  async settle(from: Endpoint, topic: Topic, to: readonly Endpoint[]): Promise<void> {
    for (let i = 0; i < 3; i++) await this.bring(from, topic, to);
  }

  async close(): Promise<void> {
    const closing = Promise.all(this.#ends.map(({ connection }) => connection.close()));
    await this.timeLimit.wait(closing, 'close resolves');
  }
}

/** One connection, and what it received. */
export class Endpoint {
  constructor(
    readonly connection: CarrierConnection,
    readonly arrivals: Arrivals<Arrival>,
    readonly statuses: Arrivals<string>,
  ) {}

  /** How often the envelope has arrived. */
  count(envelope: Uint8Array): number {
    return this.arrivals.count(carries(envelope));
  }
}

export function carries(envelope: Uint8Array): (arrival: Arrival) => boolean {
  return (arrival) => compareBytes(arrival.envelope, envelope) === 0;
}
