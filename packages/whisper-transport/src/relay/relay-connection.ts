import {
  type CarrierConnection,
  type CarrierHandler,
  type Clock,
  copyBytes,
  isSottoError,
  type Logger,
  onAbort,
  parseBytes,
  type RandomSource,
  SottoError,
  type Topic,
} from '@sotto/core';
import { abortedError, closedError, timeoutError, unavailableError } from '../support/transport-errors.js';
import { type WaitLimits, waitWithin, withDeadline } from '../support/wait.js';
import { type BackOff, backOffDelay } from '../web-socket/back-off.js';
import { PendingCalls } from '../web-socket/pending-calls.js';
import { ReconnectingSocket } from '../web-socket/reconnecting-socket.js';
import type { OpenWebSocket } from '../web-socket/web-socket-like.js';
import {
  type ClientFrame,
  decodeRelayFrame,
  encodeClientFrame,
  RELAY_FRAME_OVERHEAD,
  RELAY_VERSION,
  type RelayFrame,
  type RelayRefusalCode,
  type RelayWelcome,
} from './frame.js';

export interface RelaySettings {
  readonly url: string;
  /** Whether the relay keeps an archive. */
  readonly history: boolean;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly logger: Logger;
  readonly openWebSocket: OpenWebSocket;
  readonly maxEnvelopeBytes: number;
  readonly callTimeout: number;
  readonly heartbeat: number;
  readonly offlineTimeout: number;
  readonly pageSize: number;
  readonly backOff: BackOff;
}

/** Stored with a call: what a page of a history has brought so far. */
interface PageSoFar {
  bytes: number;
  /** That `onEnvelope` has not finished yet, or has. */
  readonly deliveries: Promise<unknown>[];
}

interface RelayCallOptions {
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds added to the timeout. */
  readonly extraTime?: number;
  readonly page?: PageSoFar;
}

/** A connection below 10 kB/s may time out on a large envelope. */
const SLOWEST_BYTES_PER_MS = 10;
/** Most bytes of the envelopes of a page: our relays send 4 MiB and one envelope. All of a page is in memory until it was taken. */
const PAGE_MOST_BYTES = 32 * 1024 * 1024;
const NO_CURSOR: Uint8Array = new Uint8Array(0);
const LATEST_SECOND = 2 ** 32 - 1;

/** A client's connection to a relay. `docs/relay-protocol.md`. */
export class RelayConnection implements CarrierConnection {
  declare readonly history?: NonNullable<CarrierConnection['history']>;
  readonly #handler: CarrierHandler;
  readonly #settings: RelaySettings;
  readonly #socket: ReconnectingSocket;
  readonly #calls: PendingCalls<Uint8Array, PageSoFar | undefined>;
  readonly #closing = new AbortController();
  readonly #waiting = new Set<() => void>();
  #topics: readonly Topic[] = [];
  /** Whether the relay has welcomed us and has our topics. */
  #online = false;
  /** It may arrive before anyone waits for it. */
  #welcome: RelayWelcome | undefined;
  #onWelcome = (_welcome: RelayWelcome) => {};
  #onLost = (_reason: string) => {};
  #cancelHeartbeat = () => {};

  constructor(handler: CarrierHandler, settings: RelaySettings) {
    const { callTimeout, maxEnvelopeBytes } = settings;
    this.#handler = handler;
    this.#settings = settings;
    if (settings.history) {
      this.history = (topics, from, to, options) => this.#history(topics, from, to, options);
    }
    this.#calls = new PendingCalls(settings.clock);
    this.#socket = new ReconnectingSocket(
      { ...settings, openTimeout: callTimeout, maxMessageBytes: maxEnvelopeBytes + RELAY_FRAME_OVERHEAD },
      settings.openWebSocket,
      {
        onMessage: (data) => this.#take(data),
        onLost: (reason) => this.#lost(reason),
        onReconnected: () => void this.#greet(),
      },
    );
  }

  /**
   * The first attempt has to succeed, so that a wrong address is reported; from then on the connection is restored by itself.
   * @throws TRANSPORT_UNAVAILABLE, TRANSPORT_REFUSED, TIMEOUT, ABORTED
   */
  async open(signal: AbortSignal | undefined): Promise<void> {
    if (signal?.aborted) throw abortedError('connect');
    const stopListening = onAbort(signal, () => this.#onLost('the connection was aborted'));
    try {
      await this.#socket.open(signal);
      await this.#welcomed();
    } catch (error) {
      this.#socket.close();
      if (!signal?.aborted) throw error;
      throw abortedError('connect');
    } finally {
      stopListening();
    }
    this.#regained();
  }

  async publish(
    _topic: Topic,
    envelope: Uint8Array,
    { signal }: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<void> {
    const limit = this.#settings.maxEnvelopeBytes;
    if (parseBytes(envelope, 'envelope').length > limit) {
      const details = { what: 'bytes of an envelope', limit, actual: envelope.length };
      throw new SottoError('LIMIT_EXCEEDED', 'The envelope is too large for the relay.', details);
    }
    const extraTime = envelope.length / SLOWEST_BYTES_PER_MS;
    await this.#untilAccepted('publish', signal, () =>
      this.#call('publish', (id) => ({ kind: 'publish', id, envelope }), { signal, extraTime }),
    );
  }

  async subscribe(topics: readonly Topic[]): Promise<void> {
    this.#checkOpen();
    this.#topics = topics.map((topic) => copyBytes(topic));
    if (!this.#online) return;
    try {
      await this.#sendTopics();
    } catch (error) {
      // After a loss, the topics are sent again as soon as the relay is back.
      if (isSottoError(error, 'TIMEOUT')) this.#socket.drop('it does not answer');
      else if (!isSottoError(error, 'TRANSPORT_UNAVAILABLE')) throw error;
      else this.#socket.drop('it does not accept the topics');
    }
  }

  async #history(
    topics: readonly Topic[],
    from: number,
    to: number,
    { signal }: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<void> {
    const page = {
      kind: 'history',
      from: secondOf(Math.floor(from / 1000)),
      to: secondOf(Math.ceil(to / 1000)),
      limit: this.#settings.pageSize,
      topics,
    } as const;
    let cursor = NO_CURSOR;
    do {
      // An interrupted page is requested again as a whole; the receiver recognises envelopes that arrive twice.
      cursor = await this.#untilAccepted('history', signal, async () => {
        const soFar: PageSoFar = { bytes: 0, deliveries: [] };
        const next = await this.#call('history', (id) => ({ ...page, id, cursor }), { signal, page: soFar });
        await Promise.all(soFar.deliveries);
        return next;
      });
    } while (cursor.length > 0);
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    this.#online = false;
    this.#cancelHeartbeat();
    this.#calls.rejectAll(closedError);
    this.#onLost('it was closed');
    this.#socket.close();
    this.#handler.onStatus?.('closed');
  }

  #checkOpen(): void {
    if (this.#closing.signal.aborted) throw closedError();
  }

  // Calls

  #call(
    what: string,
    frameOf: (id: number) => ClientFrame,
    { signal, extraTime = 0, page }: RelayCallOptions = {},
  ): Promise<Uint8Array> {
    return this.#calls.begin({
      what,
      timeout: this.#settings.callTimeout + extraTime,
      signal,
      extra: page,
      send: (id) => this.#socket.send(encodeClientFrame(frameOf(id))),
    });
  }

  /** Repeats a call while the relay is offline or overloaded. */
  async #untilAccepted<T>(what: string, signal: AbortSignal | undefined, call: () => Promise<T>): Promise<T> {
    const { clock, offlineTimeout } = this.#settings;
    this.#checkOpen();
    return withDeadline(clock, signal, offlineTimeout, (limits) => this.#retryWithin(limits, what, call));
  }

  async #retryWithin<T>(limits: WaitLimits, what: string, call: () => Promise<T>): Promise<T> {
    const { clock, random, backOff } = this.#settings;
    const wait = (arm: (done: () => void) => () => void) =>
      waitWithin(limits, this.#closing.signal, what, arm);
    for (let failures = 1; ; failures++) {
      if (!this.#online) {
        await wait((done) => {
          this.#waiting.add(done);
          return () => this.#waiting.delete(done);
        });
      }
      try {
        return await call();
      } catch (error) {
        if (isSottoError(error, 'TIMEOUT')) this.#socket.drop('it does not answer');
        else if (!isSottoError(error, 'TRANSPORT_UNAVAILABLE')) throw error;
        const delay = backOffDelay(failures, backOff, random);
        await wait((done) => clock.after(delay, done));
      }
    }
  }

  async #sendTopics(): Promise<void> {
    const topics = this.#topics;
    await this.#call('subscribe', (id) => ({ kind: 'subscribe', id, topics }));
  }

  // The connection

  /** Resolves with the relay's welcome. */
  #welcomed(): Promise<RelayWelcome> {
    const { clock, callTimeout } = this.#settings;
    return new Promise<RelayWelcome>((resolve, reject) => {
      const settle = () => {
        cancelTimer();
        this.#onWelcome = () => {};
        this.#onLost = () => {};
      };
      const fail = (error: Error) => {
        settle();
        reject(error);
      };
      const cancelTimer = clock.after(callTimeout, () => fail(timeoutError('connect', callTimeout)));
      this.#onLost = (reason) => fail(unavailableError(reason));
      this.#onWelcome = (welcome) => {
        if (welcome.version !== RELAY_VERSION) return fail(notUsable(`it speaks version ${welcome.version}`));
        settle();
        resolve(welcome);
      };
      if (this.#welcome !== undefined) this.#onWelcome(this.#welcome);
    });
  }

  /** After a reconnection. */
  async #greet(): Promise<void> {
    try {
      await this.#welcomed();
      for (let sent: readonly Topic[] | undefined; sent !== this.#topics; ) {
        sent = this.#topics;
        await this.#sendTopics();
      }
    } catch (error) {
      if (this.#closing.signal.aborted) return;
      this.#settings.logger.warn('relay.misbehaves', {
        code: isSottoError(error) ? error.code : 'unknown',
      });
      return this.#socket.drop('it misbehaves');
    }
    this.#socket.settle();
    this.#regained();
  }

  #regained(): void {
    if (this.#closing.signal.aborted) return;
    this.#online = true;
    this.#scheduleHeartbeat();
    this.#handler.onStatus?.('connected');
    for (const done of [...this.#waiting]) done();
  }

  #lost(reason: string): void {
    const wasOnline = this.#online;
    this.#online = false;
    this.#welcome = undefined;
    this.#cancelHeartbeat();
    this.#calls.rejectAll(() => unavailableError(reason));
    this.#onLost(reason);
    if (wasOnline) this.#handler.onStatus?.('reconnecting');
  }

  #scheduleHeartbeat(): void {
    const { clock, heartbeat } = this.#settings;
    this.#cancelHeartbeat();
    this.#cancelHeartbeat = clock.after(heartbeat, () => {
      // A pending call notices a lost relay as well, and a ping behind a large envelope would be late.
      if (this.#calls.size > 0) return this.#scheduleHeartbeat();
      this.#call('ping', (id) => ({ kind: 'ping', id })).then(
        () => this.#online && this.#scheduleHeartbeat(),
        (error) => {
          // A refusal is an answer, too.
          if (isSottoError(error, 'TIMEOUT')) this.#socket.drop('it does not answer');
          else if (this.#online) this.#scheduleHeartbeat();
        },
      );
    });
  }

  // Frames of the relay

  #take(data: unknown): void {
    let frame: RelayFrame | undefined;
    try {
      if (!(data instanceof ArrayBuffer)) throw notUsable('it does not answer in bytes');
      frame = decodeRelayFrame(new Uint8Array(data));
    } catch (error) {
      this.#socket.drop(
        isSottoError(error, 'MALFORMED_MESSAGE') ? error.details.reason : 'it is not a relay',
      );
      return;
    }
    switch (frame?.kind) {
      case 'welcome':
        if (frame.time !== undefined) this.#noteTime(frame.time);
        this.#welcome = frame;
        this.#onWelcome(frame);
        break;
      case 'time':
        this.#noteTime(frame.time);
        break;
      case 'done':
        this.#calls.resolve(frame.id, NO_CURSOR);
        break;
      case 'page':
        this.#calls.resolve(frame.id, frame.cursor);
        break;
      case 'refused':
        this.#calls.reject(frame.id, refusalOf(frame.code, frame.reason));
        break;
      case 'envelope':
        void this.#handler.onEnvelope(frame.topic, frame.envelope, false);
        break;
      case 'archived':
        this.#takeArchived(frame);
    }
  }

  #takeArchived({ id, topic, envelope }: Extract<RelayFrame, { kind: 'archived' }>): void {
    const page = this.#calls.extraOf(id);
    // It was given up meanwhile, or nobody has asked for it.
    if (page === undefined) return;
    page.bytes += envelope.length;
    if (page.deliveries.length >= this.#settings.pageSize || page.bytes > PAGE_MOST_BYTES) {
      this.#socket.drop('it sends more than a page');
      return;
    }
    page.deliveries.push(Promise.resolve(this.#handler.onEnvelope(topic, envelope, true)));
    this.#calls.renew(id);
  }

  #noteTime(now: number): void {
    this.#handler.onClock?.({ now, source: this.#settings.url });
  }
}

function secondOf(seconds: number): number {
  return Math.min(Math.max(seconds, 0), LATEST_SECOND);
}

function notUsable(reason: string): SottoError<'TRANSPORT_REFUSED'> {
  return new SottoError('TRANSPORT_REFUSED', `This relay cannot be used: ${reason}.`, { reason });
}

const ADVICE: Partial<Record<RelayRefusalCode, string>> = {
  unacceptable: ' Raise `minimumPow` to what the relay asks for if that is the reason.',
  unsupported: ' Choose a relay that keeps an archive, or set `history: false`.',
};

function refusalOf(code: RelayRefusalCode, reason: string): SottoError {
  if (code === 'busy') return unavailableError(reason);
  const message = `The relay refused: ${reason}.${ADVICE[code] ?? ''}`;
  return new SottoError('TRANSPORT_REFUSED', message, { reason });
}
