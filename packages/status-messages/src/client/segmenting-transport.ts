import {
  type Clock,
  type ConnectOptions,
  type CryptoProvider,
  encodeHex,
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
import { codeOf } from './events.js';
import { partsOf, segmentKey, segmentPrefix, segmentsPrefix } from './records.js';

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
  /** Bytes of stored segments by key, the oldest first. */
  readonly #stored = new Map<string, number>();
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
    this.#assembler = new SegmentAssembler({ crypto, limits });
    this.#onMessage = onMessage;
  }

  /** Reads the segments that an earlier run has kept. */
  async load(): Promise<void> {
    for await (const { key, value } of this.#store.list(segmentsPrefix)) {
      this.#stored.set(key, value.length);
      const [sender = ''] = partsOf(key, segmentsPrefix);
      try {
        const segment = decodeSegment(value);
        if (segment === undefined) continue;
        const outcome = this.#assembler.add(segment, sender, this.#clock.now());
        if (outcome.kind === 'complete') this.#undelivered.set(nameOf(sender, segment), outcome.message);
      } catch (error) {
        this.#logger.warn('a stored segment is not used', { error: codeOf(error) });
      }
    }
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
      return this.#forget(name);
    }
    const whole = this.#undelivered.get(name);
    if (whole !== undefined) {
      await this.#onMessage({ ...message, payload: whole });
      this.#undelivered.delete(name);
      return this.#forget(name);
    }
    if (!this.#assembler.isCollecting(segment, sender)) return;
    await this.#keep(name, segment, message.payload);
  }

  async #keep(name: string, segment: Segment, payload: Uint8Array): Promise<void> {
    const key = segmentKey(name, segment);
    const dropped: string[] = [];
    let bytes = payload.length;
    for (const size of this.#stored.values()) bytes += size;
    for (const [other, size] of this.#stored) {
      if (bytes <= this.#limits.maxBytes) break;
      dropped.push(other);
      bytes -= size;
    }
    await this.#store.commit([
      ...dropped.filter((other) => other !== key).map((other) => ({ type: 'delete', key: other }) as const),
      { type: 'put', key, value: payload },
    ]);
    for (const other of dropped) this.#stored.delete(other);
    this.#stored.set(key, payload.length);
  }

  async #forget(name: string): Promise<void> {
    const prefix = segmentPrefix(name);
    const keys = [...this.#stored.keys()].filter((key) => key.startsWith(prefix));
    if (keys.length === 0) return;
    await this.#store.commit(keys.map((key) => ({ type: 'delete', key })));
    for (const key of keys) this.#stored.delete(key);
  }

  #refuse(error: unknown): void {
    if (!isSottoError(error)) throw error;
    this.#logger.warn('a segment was refused', { error: error.code });
  }
}

function nameOf(sender: string, { entireMessageHash }: Segment): string {
  return `${sender}/${encodeHex(entireMessageHash)}`;
}
