import {
  type Carrier,
  type CarrierConnection,
  type CarrierHandler,
  type Clock,
  copyBytes,
  encodeHex,
  isSottoError,
  type KeyPair,
  parseBytes,
  SottoError,
  systemClock,
  type Topic,
} from '@sotto/core';
import {
  abortedError,
  closedError,
  Deadline,
  SkewEstimate,
  type WaitLimits,
  withDeadline,
} from '@sotto/whisper-transport/internal';
import type { PooledEnvelope } from '@sotto/whisper-transport/whisper';
import { bloomOfTopics, ENVELOPE_MAX_BYTES } from '@sotto/whisper-transport/whisper';
import { parseEnode } from './host/enode.js';
import { nodeKeyOf, settingsOf, type WhisperHostOptions } from './host/host-options.js';
import { createWhisperHost, type WhisperHost } from './host/whisper-host.js';
import { MailClient, type MailQuery, type MailserverOptions } from './mail-client.js';

/** Bytes that a packet has around its one envelope at most: deployed nodes take packets of 1 MiB. */
const PACKET_OVERHEAD = 16;

export interface Devp2pCarrierOptions
  extends Omit<WhisperHostOptions, 'bloom' | 'pool' | 'onPeer' | 'onPeerChange' | 'onPeerGone'> {
  /**
   * Milliseconds that `open`, and a `publish` without a signal, wait for a peer; with a signal `publish` waits until
   * that fires. Default 5,000.
   */
  readonly offlineTimeout?: number;
  /**
   * Most proof of work that is done because peers ask for it. Default 2: ten times what go-ethereum asks for by
   * itself. A peer that asks for more is not sent to.
   */
  readonly maximumPow?: number;
  /** Who keeps what comes while nobody is here: with one, there is a history. */
  readonly mailserver?: MailserverOptions;
}

/**
 * A carrier over peers of the Whisper network: `createSealedTransport(createDevp2pCarrier({ peers: ['enode://…'] }))` is a transport
 * that gives nobody the identity key. A light client unless told otherwise: peers are asked only for the topics that
 * are listened to, through a filter that lets some others through, too, and that tells them roughly which they are.
 *
 * The connections that are opened at one time share one host.
 *
 * @throws INVALID_TEXT for an enode URL, INVALID_ARGUMENT
 */
export function createDevp2pCarrier(options: Devp2pCarrierOptions): Carrier {
  const { crypto } = settingsOf(options);
  for (const url of [...(options.peers ?? []), ...(options.trustedPeers ?? [])]) parseEnode(crypto, url);
  const hub = new Hub(options);
  return {
    capabilities: {
      maxEnvelopeBytes: ENVELOPE_MAX_BYTES - PACKET_OVERHEAD,
      history: options.mailserver !== undefined,
      get minimumPow() {
        return hub.minimumPow;
      },
    },
    async open(handler, { signal } = {}) {
      const connection = new Connection(hub, handler, options.mailserver !== undefined);
      await hub.join(connection, signal);
      connection.opened();
      hub.tellTimeTo(connection);
      return connection;
    },
  };
}

/** The host that connections share; there as long as there are any. */
class Hub {
  readonly clock: Clock;
  /** By what the peers send that we call. */
  readonly #time: SkewEstimate;
  readonly #options: Devp2pCarrierOptions;
  readonly #connections = new Set<Connection>();
  readonly #waiting = new Set<() => void>();
  readonly #nodeKey: KeyPair;
  readonly #mail: MailClient | undefined;
  #host: Promise<WhisperHost> | undefined;
  #peers: readonly { readonly minimumPow: number }[] = [];

  constructor(options: Devp2pCarrierOptions) {
    this.#options = options;
    const own = options.clock ?? systemClock;
    const time = new SkewEstimate(own, 'nodes', () => this.#tellTime());
    this.#time = time;
    // That of the network, so that envelopes are judged, and requests sealed, as peers do.
    this.clock = { now: () => time.now(), after: (milliseconds, run) => own.after(milliseconds, run) };
    const { crypto } = settingsOf(options);
    this.#nodeKey = nodeKeyOf(crypto, options.nodeKey);
    this.#mail = options.mailserver && new MailClient(crypto, this.clock, this.#nodeKey, options.mailserver);
  }

  /**
   * Asks the mailserver, and again while it is away.
   * @throws TRANSPORT_UNAVAILABLE when the time is over; ABORTED
   */
  async history(query: MailQuery): Promise<void> {
    await withDeadline(this.clock, query.signal, this.offlineTimeout, async (limits) => {
      for (;;) {
        const host = await this.host();
        try {
          return await this.#mail?.query(host, query);
        } catch (error) {
          if (!isSottoError(error, 'TRANSPORT_UNAVAILABLE') || limits.deadline?.isOver) throw error;
          // Silent though it is connected: no change to wait for.
          if (host.peers.some(({ id }) => id === this.#mail?.id)) throw error;
          await this.change('history', limits);
        }
      }
    });
  }

  /** What peers ask for, with 0.002 as what can be counted on. */
  get minimumPow(): number {
    const { maximumPow = 2 } = this.#options;
    const asked = this.#peers.map(({ minimumPow }) => minimumPow).filter((pow) => pow <= maximumPow);
    return Math.max(0.002, ...asked);
  }

  get offlineTimeout(): number {
    return this.#options.offlineTimeout ?? 5_000;
  }

  host(): Promise<WhisperHost> {
    this.#host ??= this.#start();
    return this.#host;
  }

  /** @throws TRANSPORT_UNAVAILABLE when no peer came in time; ABORTED */
  async join(connection: Connection, signal: AbortSignal | undefined): Promise<void> {
    this.#connections.add(connection);
    try {
      const host = await this.host();
      const deadline = new Deadline(this.clock, this.offlineTimeout);
      try {
        while (host.peers.length === 0) await this.change('open', { deadline, signal });
      } finally {
        deadline.cancel();
      }
    } catch (error) {
      await this.leave(connection);
      throw error;
    }
  }

  async leave(connection: Connection): Promise<void> {
    if (!this.#connections.delete(connection)) return;
    const host = this.#host;
    if (host === undefined) return;
    if (this.#connections.size > 0) return this.announce();
    this.#host = undefined;
    this.#peers = [];
    await host.then(
      (started) => started.close(),
      () => {},
    );
  }

  /** Tells peers which topics are wanted in all. */
  async announce(): Promise<void> {
    const host = await this.host();
    host.setBloom(bloomOfTopics([...this.#connections].flatMap((connection) => connection.topics)));
  }

  /**
   * Resolves when a peer came, went, or changed what it asks for.
   * @throws TRANSPORT_UNAVAILABLE when the time is over; ABORTED
   */
  change(what: string, { deadline, signal }: WaitLimits): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = () => {
        this.#waiting.delete(done);
        stop?.();
        signal?.removeEventListener('abort', abort);
      };
      const done = () => {
        settle();
        resolve();
      };
      const abort = () => {
        settle();
        reject(abortedError(what));
      };
      const late = () => {
        settle();
        reject(unavailable('no peer that takes it is connected'));
      };
      let stop: (() => void) | undefined;
      this.#waiting.add(done);
      signal?.addEventListener('abort', abort, { once: true });
      stop = deadline?.onOver(late);
      if (signal?.aborted) abort();
    });
  }

  /** Lets those who wait look again. */
  wake(): void {
    for (const done of [...this.#waiting]) done();
  }

  /** A connection that comes later has to know as well. */
  tellTimeTo(connection: Connection): void {
    if (this.#time.correction !== 0) connection.tellTime(this.#time.now());
  }

  #tellTime(): void {
    for (const connection of this.#connections) connection.tellTime(this.#time.now());
  }

  async #start(): Promise<WhisperHost> {
    let host: WhisperHost | undefined;
    const changed = () => {
      const had = this.#peers.length;
      if (host === undefined) return;
      this.#peers = host.peers;
      const has = this.#peers.length;
      const status = has > 0 && had === 0 ? 'connected' : has === 0 && had > 0 ? 'reconnecting' : undefined;
      if (status !== undefined) for (const connection of this.#connections) connection.tell(status);
      this.wake();
    };
    host = await createWhisperHost({
      ...this.#options,
      clock: this.clock,
      nodeKey: this.#nodeKey.privateKey,
      onEnvelope: (peer, envelope) => {
        if (!peer.inbound) this.#time.notePeer(peer.id, envelope);
        this.#options.onEnvelope?.(peer, envelope);
      },
      trustedPeers: [
        ...(this.#options.trustedPeers ?? []),
        ...(this.#options.mailserver ? [this.#options.mailserver.enode] : []),
      ],
      onP2pMessages: (peer, messages) => {
        this.#mail?.onMessages(peer, messages);
        return this.#options.onP2pMessages?.(peer, messages);
      },
      onRequestComplete: (peer, payload) => {
        this.#mail?.onComplete(peer, payload);
        return this.#options.onRequestComplete?.(peer, payload);
      },
      bloom: bloomOfTopics([]),
      onPeer: changed,
      onPeerChange: changed,
      onPeerGone: (peer) => {
        this.#mail?.onGone(peer);
        changed();
      },
    });
    changed();
    host.pool.subscribe((pooled, origin) => {
      for (const connection of this.#connections) {
        if (connection !== origin) connection.take(pooled);
      }
    });
    return host;
  }
}

class Connection implements CarrierConnection {
  declare readonly history?: NonNullable<CarrierConnection['history']>;
  readonly #hub: Hub;
  readonly #handler: CarrierHandler;
  /** By topic in hex. */
  #topics = new Map<string, Topic>();
  #opened = false;
  #closed = false;

  constructor(hub: Hub, handler: CarrierHandler, hasHistory: boolean) {
    this.#hub = hub;
    if (hasHistory) this.history = (topics, from, to, options) => this.#history(topics, from, to, options);
    this.#handler = handler;
  }

  get topics(): Topic[] {
    return [...this.#topics.values()];
  }

  async publish(
    _topic: Topic,
    envelope: Uint8Array,
    { signal }: { readonly signal?: AbortSignal } = {},
  ): Promise<void> {
    const limit = ENVELOPE_MAX_BYTES - PACKET_OVERHEAD;
    if (parseBytes(envelope, 'envelope').length > limit) {
      const details = { what: 'bytes of an envelope', limit, actual: envelope.length };
      throw new SottoError('LIMIT_EXCEEDED', 'The envelope is too large for peers.', details);
    }
    await withDeadline(this.#hub.clock, signal, this.#hub.offlineTimeout, async (limits) => {
      for (let tries = 0; ; tries++) {
        this.#checkOpen();
        if (signal?.aborted) throw abortedError('publish');
        if (await this.#publishNow(envelope, tries)) return;
        this.#checkOpen();
        await this.#hub.change('publish', limits);
      }
    });
  }

  async #publishNow(envelope: Uint8Array, tries: number): Promise<boolean> {
    const host = await this.#hub.host();
    try {
      return await host.publish(envelope, this);
    } catch (error) {
      if (!isSottoError(error, 'MALFORMED_MESSAGE')) throw error;
      // It was fine when it came: meanwhile it has expired.
      if (tries > 0) throw unavailable('no peer that takes it came while it was alive');
      throw new SottoError('TRANSPORT_REFUSED', 'Peers would refuse the envelope.', error.details);
    }
  }

  async subscribe(topics: readonly Topic[]): Promise<void> {
    this.#checkOpen();
    const before = this.#topics;
    this.#topics = new Map(topics.map((topic) => [encodeHex(topic), copyBytes(topic)]));
    const added = [...this.#topics.keys()].filter((name) => !before.has(name));
    await this.#hub.announce();
    if (added.length === 0) return;
    // Peers don't send again what came by chance before, or for another connection.
    const { pool } = await this.#hub.host();
    const fresh = new Set(added);
    for (const pooled of pool) if (fresh.has(encodeHex(pooled.envelope.topic))) this.take(pooled);
  }

  async #history(
    topics: readonly Topic[],
    from: number,
    to: number,
    { signal }: { readonly signal?: AbortSignal } = {},
  ): Promise<void> {
    this.#checkOpen();
    await this.#hub.history({
      topics,
      from,
      to,
      signal,
      take: ({ envelope, bytes }) => {
        if (!this.#closed) return this.#handler.onEnvelope(envelope.topic, bytes, true);
      },
    });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#hub.wake();
    await this.#hub.leave(this);
    this.#handler.onStatus?.('closed');
  }

  /** Hands it on, if its topic is listened to. */
  take({ envelope, bytes }: PooledEnvelope): void {
    const topic = this.#topics.get(encodeHex(envelope.topic));
    if (topic !== undefined && !this.#closed)
      void this.#handler.onEnvelope(copyBytes(topic), copyBytes(bytes), false);
  }

  /** From now on the one who opened it is told of changes. */
  opened(): void {
    this.#opened = true;
  }

  tellTime(now: number): void {
    if (!this.#closed) this.#handler.onClock?.({ now, source: 'peers' });
  }

  tell(status: 'connected' | 'reconnecting'): void {
    if (this.#opened && !this.#closed) this.#handler.onStatus?.(status);
  }

  #checkOpen(): void {
    if (this.#closed) throw closedError();
  }
}

function unavailable(reason: string): SottoError<'TRANSPORT_UNAVAILABLE'> {
  return new SottoError('TRANSPORT_UNAVAILABLE', `Peers can't be reached: ${reason}.`, { reason });
}
