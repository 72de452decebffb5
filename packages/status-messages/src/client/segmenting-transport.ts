import {
  type Clock,
  type ConnectOptions,
  type CryptoProvider,
  concatBytes,
  encodeHex,
  errorName,
  isSottoError,
  type Logger,
  parseObject,
  SerialQueue,
  type Store,
  silentLogger,
  systemClock,
  type Transport,
  type TransportConnection,
  type TransportMessage,
  type Write,
} from '@sotto/core';
import {
  DEFAULT_SEGMENT_LIMITS,
  decodeSegment,
  SEGMENT_SIZE,
  type Segment,
  SegmentAssembler,
  type SegmentLimits,
  segmentMessage,
} from '../segmentation.js';
import { partsOf, segmentKey, segmentsPrefix } from './records.js';

/** What {@link createSegmentingTransport} needs. */
export interface SegmentingTransportOptions {
  /** Carries the segments, and everything else as it is. */
  readonly transport: Transport;
  /** Keeps incomplete messages: the messenger's. */
  readonly store: Store;
  /** Hashes messages. */
  readonly crypto: CryptoProvider;
  /** Bytes of a segment's payload. Default {@link SEGMENT_SIZE}, as deployed clients of 2024. */
  readonly segmentSize?: number | undefined;
  /** What is kept of incomplete messages at most. Default: `DEFAULT_SEGMENT_LIMITS`. */
  readonly limits?: Partial<SegmentLimits> | undefined;
  /** Default: the system clock. */
  readonly clock?: Clock | undefined;
  /** Receives events and codes, never contents. Default: nothing is logged. */
  readonly logger?: Logger | undefined;
}

/**
 * A transport that cuts large messages into segments and puts received ones together, as clients of 2024 do on Waku. Those of 2020 can't
 * read segments; smaller messages are sent as they are. Pass it to `createMessenger` in place of the transport. Segments are stored
 * before the transport is told that it has delivered them, so a restart loses none.
 * @throws INVALID_ARGUMENT
 */
export function createSegmentingTransport(options: SegmentingTransportOptions): Transport {
  const { transport, segmentSize = SEGMENT_SIZE } = options;
  parseObject(transport, 'transport', 'connect', 'capabilities');
  const limits = { ...DEFAULT_SEGMENT_LIMITS, ...options.limits };
  return {
    capabilities: { ...transport.capabilities, maxPayloadBytes: limits.maxMessageBytes },
    async connect(connectOptions) {
      const receiver = new SegmentReceiver(options, limits, connectOptions);
      await receiver.load();
      const connection = await transport.connect({
        ...connectOptions,
        onMessage: (message) => receiver.receive(message),
      });
      const { history } = connection;
      const wrapped: TransportConnection = {
        async send(channel, payload, sendOptions) {
          // In order, and one after another: when one fails, all are sent again.
          for (const piece of segmentMessage(options.crypto, payload, segmentSize))
            await connection.send(channel, piece, sendOptions);
        },
        subscribe: (channels) => connection.subscribe(channels),
        ...(history && { history: (request) => history.call(connection, request) }),
        close: () => connection.close(),
      };
      return wrapped;
    },
  };
}

/** Puts together what one connection receives. */
class SegmentReceiver {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #limits: SegmentLimits;
  readonly #assembler: SegmentAssembler;
  readonly #onMessage: ConnectOptions['onMessage'];
  /** Keys of stored segments, by sender and hash. */
  readonly #stored = new Map<string, Set<string>>();
  /** Messages that were given up, and are still stored. */
  readonly #givenUp = new Set<string>();
  /** A segment that completes a message must not overtake one that is being stored. */
  readonly #queue = new SerialQueue();
  /** Complete messages that were not accepted yet, by sender and hash. */
  readonly #undelivered = new Map<string, Uint8Array>();

  constructor(options: SegmentingTransportOptions, limits: SegmentLimits, { onMessage }: ConnectOptions) {
    const { store, crypto, clock = systemClock, logger = silentLogger } = options;
    this.#store = store;
    this.#clock = clock;
    this.#logger = logger;
    this.#limits = limits;
    const onGivenUp = (sender: string, hash: Uint8Array) => {
      const name = `${sender}/${encodeHex(hash)}`;
      if (this.#stored.has(name)) this.#givenUp.add(name);
    };
    this.#assembler = new SegmentAssembler({ crypto, limits, onGivenUp });
    this.#onMessage = onMessage;
  }

  /** Reads the segments that an earlier run has kept, and deletes those of messages that are too old. */
  async load(): Promise<void> {
    const oldest = this.#clock.now() - this.#limits.maxAgeMs;
    const kept: { readonly name: string; readonly since: number; readonly segment: Segment }[] = [];
    for await (const { key, value } of this.#store.list(segmentsPrefix)) {
      const [sender = '', hash = ''] = partsOf(key, segmentsPrefix);
      const name = `${sender}/${hash}`;
      this.#note(name, key);
      const since = sinceOf(value);
      const segment = since > oldest ? this.#decode(value.subarray(TIME_BYTES)) : undefined;
      if (segment === undefined) this.#givenUp.add(name);
      else kept.push({ name, since, segment });
    }
    kept.sort((one, other) => one.since - other.since);
    for (const { name, since, segment } of kept) {
      if (this.#givenUp.has(name)) continue;
      try {
        this.#assembler.restore(segment, name.split('/')[0] as string, since);
      } catch (error) {
        if (!isSottoError(error)) throw error;
        this.#givenUp.add(name);
      }
    }
    await this.#commit([]);
  }

  /** Resolves when a message was accepted, or its segment is stored. */
  async receive(message: TransportMessage): Promise<void> {
    let segment: Segment | undefined;
    try {
      segment = decodeSegment(message.payload);
    } catch (error) {
      return this.#refuse(error);
    }
    if (segment === undefined) return this.#onMessage(message);
    const piece = segment;
    return this.#queue.run(() => this.#add(message, piece));
  }

  async #add(message: TransportMessage, segment: Segment): Promise<void> {
    const sender = encodeHex(message.sender);
    const name = nameOf(sender, segment);
    try {
      const outcome = this.#assembler.add(segment, sender, this.#clock.now());
      if (outcome.kind === 'complete') this.#undelivered.set(name, outcome.message);
    } catch (error) {
      this.#refuse(error);
      return this.#commit([]);
    }
    const whole = this.#undelivered.get(name);
    if (whole !== undefined) {
      await this.#onMessage({ ...message, payload: whole });
      this.#undelivered.delete(name);
      if (this.#stored.has(name)) this.#givenUp.add(name);
      return this.#commit([]);
    }
    const since = this.#assembler.since(segment, sender);
    if (since === undefined) return this.#commit([]);
    const key = segmentKey(name, segment);
    this.#note(name, key);
    await this.#commit([{ type: 'put', key, value: concatBytes(timeBytes(since), message.payload) }]);
  }

  /** Stores something, and deletes what was given up. */
  async #commit(writes: readonly Write[]): Promise<void> {
    const names = [...this.#givenUp];
    const keys = names.flatMap((name) => [...(this.#stored.get(name) ?? [])]);
    const kept = new Set(writes.map(({ key }) => key));
    const deletes = keys.filter((key) => !kept.has(key)).map((key) => ({ type: 'delete', key }) as const);
    if (writes.length + deletes.length === 0) return;
    await this.#store.commit([...deletes, ...writes]);
    for (const name of names) {
      this.#givenUp.delete(name);
      const left = [...(this.#stored.get(name) ?? [])].filter((key) => kept.has(key));
      if (left.length > 0) this.#stored.set(name, new Set(left));
      else this.#stored.delete(name);
    }
  }

  #note(name: string, key: string): void {
    const keys = this.#stored.get(name) ?? new Set();
    this.#stored.set(name, keys.add(key));
  }

  #decode(bytes: Uint8Array): Segment | undefined {
    try {
      return decodeSegment(bytes);
    } catch (error) {
      this.#logger.warn('a stored segment is not used', { error: errorName(error) });
      return undefined;
    }
  }

  #refuse(error: unknown): void {
    if (!isSottoError(error)) throw error;
    this.#logger.warn('a segment was refused', { error: error.code });
  }
}

function nameOf(sender: string, { entireMessageHash }: Segment): string {
  return `${sender}/${encodeHex(entireMessageHash)}`;
}

/** Before each stored segment: when the first one of its message arrived, in milliseconds since the epoch, big-endian. */
const TIME_BYTES = 8;

function timeBytes(since: number): Uint8Array {
  const bytes = new Uint8Array(TIME_BYTES);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(Math.max(0, Math.trunc(since))));
  return bytes;
}

/** 0 for what is damaged. */
function sinceOf(value: Uint8Array): number {
  if (value.length < TIME_BYTES) return 0;
  return Number(new DataView(value.buffer, value.byteOffset, TIME_BYTES).getBigUint64(0));
}
