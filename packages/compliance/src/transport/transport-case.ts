import {
  type Channel,
  compareBytes,
  concatBytes,
  copyBytes,
  encodeUtf8,
  type KeyPair,
  type SharedKey,
  type Transport,
  type TransportConnection,
  type TransportMessage,
} from '@sotto/core';
import { caseNumber } from '../support/case-number.js';
import { Arrivals, type TimeLimit } from '../support/time-limit.js';

/** A network of transports. Cases may share it, as each has channels of its own. */
export interface TransportFixture {
  /** A transport for one more connection to the same network. */
  transport(): Transport;
  /** A new identity: `createPortableProvider().secp256k1.generateKeyPair()` of `@sotto/crypto`, for example. */
  identity(): KeyPair;
  /** Cuts all connections, and lets them reconnect. Resolves when they can. */
  interrupt?(): Promise<void>;
}

/** One requirement on a transport. */
export interface TransportCase {
  /** Unique; begins with its subject, as in `channels: ...`. */
  readonly name: string;
  /**
   * Throws a plain Error that says what was expected when the transport doesn't meet it. Closes every connection that
   * it opens; the caller disposes of the fixture.
   */
  run(fixture: TransportFixture): Promise<void>;
}

/** A case with any number of parties, all of which are closed when it ends. */
export function onNetwork(
  name: string,
  timeLimit: TimeLimit,
  run: (network: TestNetwork, fixture: TransportFixture) => Promise<void>,
): TransportCase {
  return {
    name,
    async run(fixture) {
      const network = new TestNetwork(fixture, timeLimit);
      try {
        await run(network, fixture);
      } finally {
        await network.close();
      }
    },
  };
}

/** Receives a message for a party; a rejection refuses it. */
export type Reader = (message: TransportMessage) => void | Promise<void>;

/** Connects parties for a case, and delivers messages. */
export class TestNetwork {
  readonly timeLimit: TimeLimit;
  readonly #fixture: TransportFixture;
  readonly #parties: Party[] = [];
  readonly #case = caseNumber();
  /** A public chat that only this case uses. */
  readonly chat = this.publicChat('compliance');
  #made = 0;

  constructor(fixture: TransportFixture, timeLimit: TimeLimit) {
    this.#fixture = fixture;
    this.timeLimit = timeLimit;
  }

  /** A different one for each name. */
  publicChat(name: string): Channel {
    return { kind: 'public', name: `${this.#case} ${name}` };
  }

  /** One channel of each kind that `to` can subscribe to; the writer is the other end of the negotiated one. */
  readonly channelsOf = (to: KeyPair): readonly Channel[] => [
    this.chat,
    { kind: 'partitioned', recipient: to.publicKey },
    { kind: 'discovery', recipient: to.publicKey },
    { kind: 'negotiated', secret: secretOf(to) },
  ];

  /** @param read receives each message before it counts as arrived */
  async connect(
    channels: (identity: KeyPair) => readonly Channel[] = () => [],
    read: Reader = () => {},
    identity: KeyPair = this.#fixture.identity(),
  ): Promise<Party> {
    const arrivals = new Arrivals<TransportMessage>();
    const statuses = new Arrivals<string>();
    const connecting = this.#fixture.transport().connect({
      identity,
      async onMessage(message) {
        // A copy at the time of arrival; the reader may change its bytes.
        const kept = { ...message, payload: copyBytes(message.payload) };
        await read(message);
        arrivals.add(kept);
      },
      onStatus: (status) => statuses.add(status),
    });
    const party = new Party(
      identity,
      await this.timeLimit.wait(connecting, 'connect resolves'),
      arrivals,
      statuses,
    );
    this.#parties.push(party);
    await this.timeLimit.wait(party.connection.subscribe(channels(identity)), 'subscribe resolves');
    return party;
  }

  /** A different payload each time, of at least so many bytes. */
  payload(size = 16): Uint8Array {
    const name = encodeUtf8(`payload ${this.#made++} `);
    const filling = Uint8Array.from({ length: Math.max(0, size - name.length) }, (_, i) => (i * 37) & 0xff);
    return copyBytes(concatBytes(name, filling).subarray(0, Math.max(size, name.length)));
  }

  /** Sends a new payload, and returns it. */
  async send(from: Party, channel: Channel, size?: number): Promise<Uint8Array> {
    const payload = this.payload(size);
    await this.timeLimit.wait(from.connection.send(channel, payload), 'send resolves');
    return payload;
  }

  /** Sends a new payload and waits until all of these have received it; returns it. */
  async bring(from: Party, channel: Channel, to: readonly Party[], size?: number): Promise<Uint8Array> {
    const payload = await this.send(from, channel, size);
    const there = Promise.all(to.map(({ arrivals }) => arrivals.until(holds(payload))));
    await this.timeLimit.wait(there, `a payload of ${payload.length} bytes arrives by ${channel.kind}`);
    return payload;
  }

  /** Flushes what is in transit to these: waits until a message sent later has arrived. */
  async settle(from: Party, channel: Channel, to: readonly Party[]): Promise<void> {
    for (let i = 0; i < 3; i++) await this.bring(from, channel, to);
  }

  async close(): Promise<void> {
    const closing = Promise.all(this.#parties.map(({ connection }) => connection.close()));
    await this.timeLimit.wait(closing, 'close resolves');
  }
}

/** A connected party, and what it received. */
export class Party {
  constructor(
    readonly identity: KeyPair,
    readonly connection: TransportConnection,
    readonly arrivals: Arrivals<TransportMessage>,
    readonly statuses: Arrivals<string>,
  ) {}

  /** How often the payload has arrived. */
  count(payload: Uint8Array): number {
    return this.arrivals.count(holds(payload));
  }
}

export function holds(payload: Uint8Array): (message: TransportMessage) => boolean {
  return (message) => compareBytes(message.payload, payload) === 0;
}

/** 32 bytes that no one else has; their value does not matter. */
export function secretOf({ publicKey }: KeyPair): SharedKey {
  return copyBytes(publicKey.subarray(1, 33)) as SharedKey;
}

/** Whether two channels are the same. */
export function describeChannel(channel: Channel): unknown {
  switch (channel.kind) {
    case 'public':
      return [channel.kind, channel.name];
    case 'negotiated':
      return [channel.kind, [...channel.secret]];
    default:
      return [channel.kind, [...channel.recipient]];
  }
}
