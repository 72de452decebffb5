import {
  type Carrier,
  type CarrierConnection,
  type Channel,
  type Clock,
  type ConnectOptions,
  DedupSet,
  encodeHex,
  encodeUtf8,
  type HistoryRequest,
  isSottoError,
  type PublicKey,
  parseBytes,
  type SendMessageOptions,
  SottoError,
  systemClock,
  type Topic,
  type Transport,
  type TransportConnection,
  type TransportStatus,
} from '@sotto/core';
import { type CryptoProvider, defaultProvider } from '@sotto/crypto';
import { channelId, checkMaySubscribe } from '../channels/channel-id.js';
import { topicNumber } from '../channels/topic.js';
import { ChannelKeys, type Pbkdf2, type ResolvedChannel } from '../channels/topics.js';
import { DEFAULT_ENVELOPE_POLICY, type EnvelopePolicy } from '../envelope/check.js';
import { SEALING_OVERHEAD } from '../envelope/limits.js';
import { decodePlain, encodePlain } from '../envelope/plain.js';
import { type OpeningKey, openData, sealData } from '../envelope/seal.js';
import { createInlineMiner } from '../mining/inline-miner.js';
import type { Miner } from '../mining/miner.js';
import { readable } from '../support/readable.js';
import { DEFAULT_MAX_WAITING_BYTES, RedeliveryQueue } from '../support/redelivery-queue.js';
import { abortedError, closedError } from '../support/transport-errors.js';
import { SkewEstimate } from './clock-skew.js';
import type { DecodedEnvelope, EncodedEnvelope, EnvelopeFormat } from './envelope-format.js';
import { LikelySigners } from './likely-signer.js';
import { createWhisperFormat } from './whisper-format.js';

/** Options of {@link createSealedTransport}. */
export interface SealedTransportOptions {
  /** Default: the best provider for this platform. */
  readonly crypto?: CryptoProvider | undefined;
  /** Default: the system's clock. */
  readonly clock?: Clock | undefined;
  /**
   * Does the proof of work, such as `createWorkerMiner` of `@sotto/whisper-transport/miner`. It isn't closed with the connection.
   * Default: this thread, in short slices.
   */
  readonly miner?: Miner | undefined;
  /**
   * Derives channel keys off this thread, for example with WebCrypto. Default: the provider does, which blocks this thread for 20 to
   * 150 ms once for each channel.
   */
  readonly pbkdf2?: Pbkdf2 | undefined;
  /** Seconds until envelopes expire, at least 10. Default 15, as with deployed clients. */
  readonly ttl?: number | undefined;
  /** Requirements on envelopes. Ours also meet the carrier's proof of work, if that is more. Default: as with deployed nodes. */
  readonly policy?: Partial<EnvelopePolicy> | undefined;
  /** Envelopes and messages remembered, to drop repetitions. Default 50,000 each: 10 MB at most. */
  readonly remembered?: number | undefined;
  /**
   * Bytes of messages that have arrived and wait for `onMessage`, about. Beyond it, what arrives is dropped: with a history, the
   * connection counts as lost until half of them were taken, so that the history is asked for what was dropped. Default 64 MiB.
   */
  readonly maxWaitingBytes?: number | undefined;
}

/** Options of {@link createTransportOfFormat}; each as in {@link SealedTransportOptions}. */
export type FormatTransportOptions = Pick<
  SealedTransportOptions,
  'crypto' | 'clock' | 'pbkdf2' | 'remembered' | 'maxWaitingBytes'
>;

/**
 * Turns a carrier, which moves bytes by topic, into an authenticated transport: every message is signed, padded, encrypted for its
 * channel and put into a Whisper envelope with proof of work. Wire profile, section 7.
 *
 * @throws INVALID_ARGUMENT
 */
export function createSealedTransport(carrier: Carrier, options: SealedTransportOptions = {}): Transport {
  const { crypto = defaultProvider(), clock = systemClock, ttl = 15, remembered = 50_000 } = options;
  if (!Number.isInteger(ttl) || ttl < 10) {
    throw new SottoError('INVALID_ARGUMENT', 'Envelopes have to live at least 10 seconds.', {
      what: 'ttl',
      reason: 'not a whole number of at least 10 seconds',
    });
  }
  const format = createWhisperFormat({
    crypto,
    ttl,
    policy: { ...DEFAULT_ENVELOPE_POLICY, ...options.policy },
    capabilities: carrier.capabilities,
    miner: options.miner ?? createInlineMiner(clock),
  });
  const { pbkdf2, maxWaitingBytes } = options;
  return createTransportOfFormat(carrier, format, { crypto, clock, remembered, pbkdf2, maxWaitingBytes });
}

/** Turns a carrier into an authenticated transport whose envelopes have this format. */
export function createTransportOfFormat(
  carrier: Carrier,
  format: EnvelopeFormat,
  options: FormatTransportOptions = {},
): Transport {
  const { crypto = defaultProvider(), clock = systemClock, remembered = 50_000 } = options;
  const { maxWaitingBytes = DEFAULT_MAX_WAITING_BYTES } = options;
  const { maxEnvelopeBytes, history } = carrier.capabilities;
  const settings: Settings = {
    crypto,
    clock,
    remembered,
    maxWaitingBytes,
    format,
    history,
    maxPayloadBytes: maxEnvelopeBytes - SEALING_OVERHEAD,
    keys: new ChannelKeys(crypto),
    pbkdf2: options.pbkdf2,
  };
  return {
    capabilities: {
      maxPayloadBytes: settings.maxPayloadBytes,
      history,
      confirmsSend: true,
      pseudonyms: 'both',
    },
    async connect(connectOptions) {
      const connection = new SealedConnection(connectOptions, settings);
      await connection.open(carrier);
      return connection;
    },
  };
}

/** Most times that a message is sealed for one send: again when it expired while waiting, or when our clock was off. */
const ATTEMPTS_MOST = 5;

interface Settings {
  readonly crypto: CryptoProvider;
  readonly clock: Clock;
  readonly remembered: number;
  readonly maxWaitingBytes: number;
  readonly format: EnvelopeFormat;
  readonly history: boolean;
  readonly maxPayloadBytes: number;
  readonly keys: ChannelKeys;
  readonly pbkdf2: Pbkdf2 | undefined;
}

class SealedConnection implements TransportConnection {
  declare readonly history?: NonNullable<TransportConnection['history']>;
  readonly #options: ConnectOptions;
  readonly #settings: Settings;
  readonly #closing = new AbortController();
  readonly #envelopes: DedupSet<string>;
  readonly #messages: DedupSet<string>;
  /** Deliveries to `onMessage` that have not finished, by the names of envelope and message. */
  readonly #inFlight = new Map<string, Promise<void>>();
  /** Subscribed channels by the number of their topic, so that the number of chats does not matter for each envelope. */
  #subscribed = new Map<number, readonly ResolvedChannel[]>();
  readonly #likely = new LikelySigners();
  #prepared: Promise<unknown> = Promise.resolve();
  #connection: CarrierConnection | undefined;
  readonly #redelivery: RedeliveryQueue;
  /** Whether something was dropped, as too much waited: until half of that was taken. */
  #isOverfull = false;
  #isConnected = true;
  readonly #time: SkewEstimate;

  constructor(options: ConnectOptions, settings: Settings) {
    this.#options = options;
    if (settings.history) this.history = (request) => this.#history(request);
    this.#settings = settings;
    this.#redelivery = new RedeliveryQueue(options, settings.clock, () => this.#hasTaken());
    this.#time = new SkewEstimate(settings.clock, 'people', (skew) => options.onClock?.(skew));
    this.#envelopes = new DedupSet(settings.remembered);
    this.#messages = new DedupSet(settings.remembered);
  }

  async open(carrier: Carrier): Promise<void> {
    const { signal } = this.#options;
    this.#connection = await carrier.open(
      {
        onEnvelope: (topic, bytes, fromHistory, sentAt) => this.#receive(topic, bytes, fromHistory, sentAt),
        onStatus: (status) => this.#follow(status),
        onClock: ({ source, now }) => this.#time.addReading(source, now),
      },
      signal === undefined ? {} : { signal },
    );
  }

  async send(channel: Channel, payload: Uint8Array, options: SendMessageOptions = {}): Promise<void> {
    const { maxPayloadBytes, crypto } = this.#settings;
    const { signal, signer = this.#options.identity } = options;
    const connection = this.#open();
    if (signal?.aborted) throw abortedError('send');
    if (parseBytes(payload, 'payload').length > maxPayloadBytes) {
      throw new SottoError('LIMIT_EXCEEDED', 'The message is too large for the carrier.', {
        what: 'bytes of a payload',
        limit: maxPayloadBytes,
        actual: payload.length,
      });
    }
    await this.#prepare([channel]);
    const { topic, cipher } = this.#settings.keys.resolve(channel);
    for (let attempt = 1; ; attempt++) {
      const { correction } = this.#time;
      const begunAt = this.#time.now();
      const data = sealData(crypto, cipher, encodePlain(crypto, payload, signer));
      const { envelope, expiry, sentAt } = await this.#envelop(topic, data, signal);
      try {
        return await connection.publish(topic, envelope, { signal, sentAt });
      } catch (error) {
        if (!isSottoError(error, 'TRANSPORT_REFUSED') || attempt >= ATTEMPTS_MOST) throw error;
        // It may have expired while it waited, or the refusal may have told the time.
        const now = this.#time.now();
        const isLate = now / 1000 >= expiry;
        // The clock may have been set and set right meanwhile, so that the correction is what it was.
        const isEarly = begunAt > now;
        if (!isLate && !isEarly && this.#time.correction === correction) throw error;
      }
    }
  }

  async #envelop(topic: Topic, data: Uint8Array, signal: AbortSignal | undefined): Promise<EncodedEnvelope> {
    const encoded = await this.#encode(this.#settings.format, topic, data, signal);
    // Our own envelopes come back on subscribed channels.
    this.#envelopes.add(this.#nameOf(encoded.envelope));
    return encoded;
  }

  /** Stops when the connection is closed: it may take proof of work. */
  async #encode(
    format: EnvelopeFormat,
    topic: Topic,
    data: Uint8Array,
    signal: AbortSignal | undefined,
  ): Promise<EncodedEnvelope> {
    const closing = this.#closing.signal;
    try {
      const either = signal ? AbortSignal.any([signal, closing]) : closing;
      return await format.encode(topic, data, this.#time.now(), either);
    } catch (error) {
      this.#open();
      throw error;
    }
  }

  async subscribe(channels: readonly Channel[]): Promise<void> {
    this.#open();
    const prepared = this.#prepared.then(() => this.#prepare(channels));
    // In the order of the calls, so that the last list takes effect, however long the keys of others take.
    this.#prepared = prepared.catch(() => undefined);
    await prepared;
    const connection = this.#open();
    const subscribed = new Map<number, ResolvedChannel[]>();
    for (const channel of new Map(channels.map((one) => [channelId(one), one])).values()) {
      checkMaySubscribe(this.#options.identity.publicKey, channel);
      const resolved = this.#settings.keys.resolve(channel);
      const topic = topicNumber(resolved.topic);
      subscribed.set(topic, [...(subscribed.get(topic) ?? []), resolved]);
    }
    this.#subscribed = subscribed;
    const { channelKeys } = this.#options;
    if (channelKeys !== undefined) void this.#settings.keys.retain(channels, channelKeys);
    await connection.subscribe([...subscribed.values()].map(([first]) => (first as ResolvedChannel).topic));
  }

  #prepare(channels: readonly Channel[]): Promise<void> {
    const { keys, pbkdf2 } = this.#settings;
    return keys.prepare(channels, { pbkdf2, cache: this.#options.channelKeys });
  }

  async #history(request: HistoryRequest): Promise<void> {
    await this.#prepare(request.channels);
    const connection = this.#open();
    const topics = new Map(
      request.channels.map((channel) => {
        const { topic } = this.#settings.keys.resolve(channel);
        return [encodeHex(topic), topic];
      }),
    );
    const options = request.signal === undefined ? {} : { signal: request.signal };
    // Envelopes carry the network's time. The span is only widened, as others may be wrong about the time.
    const from = Math.min(request.from, request.from - this.#time.correction);
    const to = Math.max(request.to, request.to - this.#time.correction);
    await connection.history?.([...topics.values()], from, to, options);
  }

  async close(): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    this.#closing.abort();
    this.#redelivery.close();
    await connection?.close();
  }

  #open(): CarrierConnection {
    if (this.#connection === undefined) throw closedError();
    return this.#connection;
  }

  /** Handles an envelope. Those that are not for us, expired, damaged or known are dropped silently. */
  async #receive(
    carriersTopic: Topic,
    bytes: Uint8Array,
    fromHistory: boolean,
    reportedAt: number | undefined,
  ): Promise<void> {
    const { format, clock } = this.#settings;
    // Most envelopes may be for others, as bloom filters let many through: those cost a look at four bytes.
    const topic = format.topicOf(parseBytes(bytes, 'envelope'), carriersTopic);
    const channels = topic && this.#subscribed.get(topicNumber(topic));
    if (channels === undefined) return;
    // What history brings comes no faster than it is taken.
    if (!fromHistory && this.#redelivery.bytes >= this.#settings.maxWaitingBytes) return this.#drop();
    const envelope = readable(() => format.decode(bytes, reportedAt ?? clock.now()));
    if (envelope === undefined) return;
    const inTime = this.#isInTime(envelope, fromHistory);
    // An envelope of another time counts as a reading of the clock only from people who share a secret with us.
    const tellingTime = fromHistory ? [] : channels.filter(({ channel }) => channel.kind === 'negotiated');
    if (!inTime && tellingTime.length === 0) return;
    const name = this.#nameOf(bytes);
    if (!this.#envelopes.add(name)) return this.#inFlight.get(name);
    for (const subscribed of inTime ? channels : tellingTime) {
      const opened = this.#openOn(subscribed, envelope.data);
      if (opened === undefined) continue;
      const { channel } = subscribed;
      const { signer, payload } = opened;
      const { sentAt } = envelope;
      // A channel is shared with one person, who can sign with any number of keys.
      if (!fromHistory && channel.kind === 'negotiated') {
        this.#time.addEnvelope(channelId(channel), envelope, encodeHex(signer));
      }
      // The reading may have changed our estimate.
      if (!inTime && !this.#isInTime(envelope, fromHistory)) break;
      // By channel, as anyone can send a copy on another one. A repeated send arrives in another envelope.
      const id = this.#nameOf(encodeUtf8(channelId(channel)), signer, payload);
      if (!this.#messages.add(id)) return this.#inFlight.get(id);
      // When delivery is given up, it is forgotten, so that history can bring it again.
      const delivery = this.#redelivery.deliver(
        { sender: signer, payload, channel, sentAt, fromHistory },
        () => {
          this.#envelopes.delete(name);
          this.#messages.delete(id);
        },
      );
      await this.#whileInFlight([name, id], delivery);
      return;
    }
    // History may bring it once the clock is right.
    if (!inTime) this.#envelopes.delete(name);
  }

  /** Passes on what the carrier reports, unless the connection counts as lost anyway. */
  #follow(status: TransportStatus): void {
    this.#isConnected = status === 'connected';
    const countsAsLost = this.#isOverfull && this.#settings.history && status !== 'closed';
    if (!countsAsLost) this.#options.onStatus?.(status);
  }

  /** Something that arrived was dropped, as if the connection had been lost. */
  #drop(): void {
    if (this.#isOverfull) return;
    this.#isOverfull = true;
    if (this.#settings.history && this.#isConnected) this.#options.onStatus?.('reconnecting');
  }

  #hasTaken(): void {
    if (!this.#isOverfull || this.#redelivery.bytes > this.#settings.maxWaitingBytes / 2) return;
    this.#isOverfull = false;
    if (this.#settings.history && this.#isConnected) this.#options.onStatus?.('connected');
  }

  /** Whether an envelope is valid now; from history, whether it was when it expired. */
  #isInTime(envelope: DecodedEnvelope, fromHistory: boolean): boolean {
    if (envelope.isInTime(this.#time.now(), fromHistory)) return true;
    // Our own clock may just have been corrected.
    return this.#time.correction !== 0 && envelope.isInTime(this.#settings.clock.now(), fromHistory);
  }

  /** A name for our own records: SHA-256 costs a fraction of the KECCAK-256 that names envelopes on the network. */
  #nameOf(...parts: readonly Uint8Array[]): string {
    return encodeHex(this.#settings.crypto.sha256(...parts));
  }

  /** Records a delivery, so that a history that brings the same message waits for it, too. */
  async #whileInFlight(names: readonly string[], delivery: Promise<void>): Promise<void> {
    for (const name of names) this.#inFlight.set(name, delivery);
    await delivery;
    for (const name of names) this.#inFlight.delete(name);
  }

  #openOn(
    channel: ResolvedChannel,
    data: Uint8Array,
  ): { readonly signer: PublicKey; readonly payload: Uint8Array } | undefined {
    const { crypto } = this.#settings;
    const { cipher } = channel;
    const key: OpeningKey =
      cipher.kind === 'symmetric' ? cipher : { kind: 'asymmetric', identity: this.#options.identity };
    return readable(() => {
      const plain = openData(crypto, key, data);
      const { signer, payload } = decodePlain(crypto, plain, this.#likely.get(channel));
      // Unsigned messages have no known sender.
      if (signer === undefined) return undefined;
      this.#likely.add(channel, signer);
      return { signer, payload };
    });
  }
}
