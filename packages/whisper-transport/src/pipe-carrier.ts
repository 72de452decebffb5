import {
  type Carrier,
  type CarrierConnection,
  type CarrierHandler,
  copyBytes,
  encodeHex,
  isSottoError,
  onAbort,
  type PublishOptions,
  parseBytes,
  SottoError,
  type Topic,
} from '@sotto/core';
import { abortedError, closedError, unavailableError } from './support/transport-errors.js';

/** What a pipe reports. */
export interface PipeEvents {
  /** Delivers an envelope that arrived; it is dropped unless its topic is subscribed to. The bytes are copied. */
  deliver(topic: Topic, envelope: Uint8Array, options?: DeliverOptions): void;
  /** Resolves when the receiver is done with what was delivered from history: wait for it after each page of a long one. */
  drained(): Promise<void>;
  /** Reports that the connection was lost or restored. */
  status(status: 'connected' | 'reconnecting'): void;
}

/** What a pipe knows of an envelope that arrived. */
export interface DeliverOptions {
  /** Whether it was asked for by `history`. Default false. */
  readonly fromHistory?: boolean | undefined;
  /** Milliseconds since the epoch, where the network dates its envelopes. */
  readonly sentAt?: number | undefined;
}

/** An open pipe. Errors that it throws and that aren't SottoErrors become TRANSPORT_UNAVAILABLE. */
export interface Pipe {
  /**
   * Sends an envelope. The pipe owns the bytes. Resolves when the pipe has taken responsibility for them.
   * @param sentAt milliseconds since the epoch, if the caller knows: for networks that date their envelopes
   */
  publish(topic: Topic, envelope: Uint8Array, sentAt?: number): void | Promise<void>;
  /** For pipes that select by topic: the topics wanted from now on, each once. */
  subscribe?(topics: readonly Topic[]): void | Promise<void>;
  /** Delivers the envelopes of these topics sent between two times (ms since the epoch); resolves after the last. */
  history?(topics: readonly Topic[], from: number, to: number): Promise<void>;
  /** Closes the pipe. Called once; nothing else is called afterwards. */
  close(): void | Promise<void>;
}

/** Opens a pipe. `signal` aborts opening. */
export type PipeOpener = (events: PipeEvents, signal?: AbortSignal) => Pipe | Promise<Pipe>;

/** Options of {@link createPipeCarrier}. */
export interface PipeCarrierOptions {
  /** Largest envelope in bytes. Default 1 MiB, as with deployed Whisper nodes. */
  readonly maxEnvelopeBytes?: number | undefined;
  /** Whether pipes have `history`. Default false. */
  readonly history?: boolean | undefined;
}

/**
 * Creates a carrier over anything that moves bytes: a channel between tabs, a socket, a broker. It takes care of topics, sizes,
 * signals, closing and the ownership of bytes; the pipe only moves what it is given.
 */
export function createPipeCarrier(open: PipeOpener, options: PipeCarrierOptions = {}): Carrier {
  const { maxEnvelopeBytes = 1024 * 1024, history = false } = options;
  return {
    capabilities: { maxEnvelopeBytes, history, minimumPow: 0 },
    async open(handler, { signal } = {}) {
      const connection = new PipeConnection(handler, maxEnvelopeBytes, history);
      await connection.open(open, signal);
      return connection;
    },
  };
}

class PipeConnection implements CarrierConnection {
  declare readonly history?: NonNullable<CarrierConnection['history']>;
  readonly #handler: CarrierHandler;
  readonly #maxEnvelopeBytes: number;
  readonly #closing = new AbortController();
  #topics: ReadonlySet<string> = new Set();
  /** Deliveries from history that `onEnvelope` has not finished yet. */
  readonly #deliveries = new Set<Promise<void>>();
  #pipe: Pipe | undefined;
  #closed: Promise<void> | undefined;

  constructor(handler: CarrierHandler, maxEnvelopeBytes: number, hasHistory: boolean) {
    this.#handler = handler;
    this.#maxEnvelopeBytes = maxEnvelopeBytes;
    if (hasHistory) this.history = (topics, from, to, options) => this.#history(topics, from, to, options);
  }

  async open(open: PipeOpener, signal: AbortSignal | undefined): Promise<void> {
    if (signal?.aborted) throw abortedError('open');
    const opening = wrapErrors(async () => open(this.#events(), signal));
    let stop = () => {};
    const givenUp = new Promise<never>((_, reject) => {
      stop = onAbort(signal, () => reject(abortedError('open')));
    });
    try {
      const pipe = await Promise.race([opening, givenUp]);
      if (signal?.aborted) throw abortedError('open');
      this.#pipe = pipe;
    } catch (error) {
      // It may take its time, or never be there.
      if (signal?.aborted) opening.then((late) => late.close()).catch(() => undefined);
      throw error;
    } finally {
      stop();
    }
  }

  async publish(topic: Topic, envelope: Uint8Array, { signal, sentAt }: PublishOptions = {}): Promise<void> {
    const pipe = this.#check('publish', signal);
    if (parseBytes(envelope, 'envelope').length > this.#maxEnvelopeBytes) {
      throw new SottoError('LIMIT_EXCEEDED', 'The envelope is too large for the pipe.', {
        what: 'bytes of an envelope',
        limit: this.#maxEnvelopeBytes,
        actual: envelope.length,
      });
    }
    await this.#unlessEnded('publish', signal, async () =>
      pipe.publish(copyBytes(topic, 'topic'), copyBytes(envelope), sentAt),
    );
  }

  async subscribe(topics: readonly Topic[]): Promise<void> {
    const pipe = this.#check('subscribe', undefined);
    const wanted = new Map(topics.map((topic) => [encodeHex(topic), copyBytes(topic)]));
    this.#topics = new Set(wanted.keys());
    await this.#unlessEnded('subscribe', undefined, async () => pipe.subscribe?.([...wanted.values()]));
  }

  async #history(
    topics: readonly Topic[],
    from: number,
    to: number,
    { signal }: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<void> {
    const pipe = this.#check('history', signal);
    const asked = topics.map((topic) => copyBytes(topic));
    await this.#unlessEnded('history', signal, async () => {
      await pipe.history?.(asked, from, to);
      await Promise.all(this.#deliveries);
    });
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#closing.abort();
    await this.#pipe?.close();
    this.#handler.onStatus?.('closed');
  }

  #events(): PipeEvents {
    return {
      deliver: (topic, envelope, { fromHistory = false, sentAt } = {}) => {
        const isWanted =
          !this.#closing.signal.aborted && this.#topics.has(encodeHex(parseBytes(topic, 'topic')));
        if (!isWanted) return;
        const delivery = this.#handler.onEnvelope(
          copyBytes(topic),
          copyBytes(envelope, 'envelope'),
          fromHistory,
          sentAt,
        );
        if (fromHistory && delivery !== undefined) this.#track(delivery);
      },
      drained: async () => {
        await Promise.all(this.#deliveries);
      },
      status: (status) => {
        if (!this.#closing.signal.aborted) this.#handler.onStatus?.(status);
      },
    };
  }

  #track(delivery: Promise<void>): void {
    this.#deliveries.add(delivery);
    const done = () => this.#deliveries.delete(delivery);
    delivery.then(done, done);
  }

  #check(what: string, signal: AbortSignal | undefined): Pipe {
    if (this.#pipe === undefined || this.#closing.signal.aborted) throw closedError();
    if (signal?.aborted) throw abortedError(what);
    return this.#pipe;
  }

  /** Runs until it settles, the connection is closed or the signal fires. */
  #unlessEnded(what: string, signal: AbortSignal | undefined, run: () => Promise<void>): Promise<void> {
    const closing = this.#closing.signal;
    return new Promise((resolve, reject) => {
      const close = () => settle(() => reject(closedError()));
      const abort = () => settle(() => reject(abortedError(what)));
      const settle = (then: () => void) => {
        for (const stop of stops) stop();
        then();
      };
      const stops = [onAbort(closing, close), onAbort(signal, abort)];
      wrapErrors(run).then(
        () => settle(resolve),
        (error) => settle(() => reject(error)),
      );
    });
  }
}

/** Errors of a pipe may say anything, so they are only kept as the cause. */
async function wrapErrors<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (cause) {
    throw isSottoError(cause) ? cause : unavailableError('the pipe failed', cause);
  }
}
