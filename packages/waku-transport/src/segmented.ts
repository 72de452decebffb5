import {
  type Clock,
  type ConnectOptions,
  type CryptoProvider,
  copyBytes,
  encodeHex,
  LruCache,
  parseBytes,
  SottoError,
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
} from '@sotto/status-messages';
import { channelId, readable } from '@sotto/whisper-transport/internal';

/** Bytes of a segment at most that aren't its piece. */
const SEGMENT_OVERHEAD = 128;
/** Complete messages, rejected by the receiver, that are kept until their last segment is delivered again. */
const MAX_REJECTED = 8;

/** What {@link withSegments} needs. */
interface SegmentedOptions {
  readonly crypto: CryptoProvider;
  readonly clock: Clock;
  readonly limits?: Partial<SegmentLimits> | undefined;
}

/**
 * A transport that cuts large payloads into segments, as Status clients of 2024 do, and puts those of others together, in memory: a
 * message whose segments came partly before a restart needs history to bring them again.
 */
export function withSegments(transport: Transport, options: SegmentedOptions): Transport {
  const { maxMessageBytes } = { ...DEFAULT_SEGMENT_LIMITS, ...options.limits };
  const size = Math.min(SEGMENT_SIZE, transport.capabilities.maxPayloadBytes - SEGMENT_OVERHEAD);
  return {
    capabilities: { ...transport.capabilities, maxPayloadBytes: maxMessageBytes },
    async connect(receiver) {
      const joiner = new SegmentJoiner(receiver, options);
      const connection = await transport.connect({
        identity: receiver.identity,
        channelKeys: receiver.channelKeys,
        signal: receiver.signal,
        onMessage: (message) => joiner.receive(message),
        onStatus: (status) => receiver.onStatus?.(status),
        onClock: (skew) => receiver.onClock?.(skew),
      });
      const { history } = connection;
      return {
        async send(channel, payload, sendOptions) {
          if (parseBytes(payload, 'payload').length > maxMessageBytes)
            throw tooLarge(payload, maxMessageBytes);
          for (const segment of segmentMessage(options.crypto, payload, size))
            await connection.send(channel, segment, sendOptions);
        },
        subscribe: (channels) => connection.subscribe(channels),
        ...(history === undefined ? {} : { history: (request) => history.call(connection, request) }),
        close: () => connection.close(),
      } satisfies TransportConnection;
    },
  };
}

function tooLarge(payload: Uint8Array, limit: number): SottoError {
  return new SottoError('LIMIT_EXCEEDED', 'The message is too large to be cut into segments.', {
    what: 'bytes of a payload',
    limit,
    actual: payload.length,
  });
}

/** Passes messages on, and segments once they are complete. */
class SegmentJoiner {
  readonly #receiver: ConnectOptions;
  readonly #clock: Clock;
  readonly #assembler: SegmentAssembler;
  /** By sender, channel and hash. */
  readonly #rejected = new LruCache<string, TransportMessage>(MAX_REJECTED);

  constructor(receiver: ConnectOptions, { crypto, clock, limits }: SegmentedOptions) {
    this.#receiver = receiver;
    this.#clock = clock;
    this.#assembler = new SegmentAssembler({ crypto, limits });
  }

  async receive(message: TransportMessage): Promise<void> {
    const { payload } = message;
    // A damaged segment is dropped, as what can't be opened is; nothing else begins like one.
    const segment = readable(() => ({ found: decodeSegment(payload) }));
    if (segment === undefined) return;
    if (segment.found === undefined) return this.#receiver.onMessage(message);
    await this.#add(message, segment.found);
  }

  async #add(message: TransportMessage, segment: Segment): Promise<void> {
    const source = `${encodeHex(message.sender)} ${channelId(message.channel)}`;
    const name = `${source} ${encodeHex(segment.entireMessageHash)}`;
    const outcome = readable(() => this.#assembler.add(segment, source, this.#clock.now()));
    const whole =
      outcome?.kind === 'complete' ? { ...message, payload: outcome.message } : this.#rejected.get(name);
    if (whole === undefined) return;
    this.#rejected.set(name, whole);
    await this.#receiver.onMessage({ ...whole, payload: copyBytes(whole.payload) });
    this.#rejected.delete(name);
  }
}
