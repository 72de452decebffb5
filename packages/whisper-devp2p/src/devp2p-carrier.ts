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
  unavailableError,
  type WaitLimits,
  waitWithin,
  withDeadline,
} from '@sotto/whisper-transport/internal';
import type { PooledEnvelope } from '@sotto/whisper-transport/whisper';
import { bloomOfTopics, ENVELOPE_MAX_BYTES } from '@sotto/whisper-transport/whisper';
import { parseEnode } from './host/enode.js';
import { type DirectEnvelope, nodeKeyOf, settingsOf, type WhisperHostOptions } from './host/host-options.js';
import { createWhisperHost, type WhisperHost } from './host/whisper-host.js';
import { MailClient, type MailQuery, type MailserverOptions } from './mail-client.js';

/** Most bytes of a packet beside its one envelope: deployed nodes accept packets of 1 MiB. */
const PACKET_OVERHEAD = 16;

/** Options of {@link createDevp2pCarrier}. */
export interface Devp2pCarrierOptions
  extends Omit<WhisperHostOptions, 'bloom' | 'pool' | 'onPeer' | 'onPeerChange' | 'onPeerGone'> {
  /**
   * Milliseconds that `open`, and a `publish` without a signal, wait for a peer; with a signal `publish` waits until it fires.
   * Default 5,000.
   */
  readonly offlineTimeout?: number | undefined;
  /**
   * Most proof of work that is done because peers require it. Default 2: ten times the default requirement of go-ethereum. A peer
   * that requires more is sent nothing.
   */
  readonly maximumPow?: number | undefined;
  /** The mailserver that stores envelopes for anyone offline. With one, there is a history. */
  readonly mailserver?: MailserverOptions | undefined;
}

/**
 * A carrier over peers of the Whisper network: `createSealedTransport(createDevp2pCarrier({ peers: ['enode://…'] }))` is a transport
 * that gives no one the identity key. It is a light client by default: peers are asked only for the subscribed topics, through a bloom
 * filter that lets some others through, too, and reveals roughly which they are.
 *
 * All connections that are open at the same time share one host.
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
      hub.reportTimeTo(connection);
      return connection;
    },
  };
}

/** The host that connections share. It exists as long as there are connections. */
class Hub {
  readonly clock: Clock;
  /** Estimated from the envelopes of the peers that we dial. */
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
    const time = new SkewEstimate(own, 'nodes', () => this.#reportTime());
    this.#time = time;
    // The network's time, so that envelopes are checked, and requests sealed, as by peers.
    this.clock = { now: () => time.now(), after: (milliseconds, run) => own.after(milliseconds, run) };
    const { crypto } = settingsOf(options);
    this.#nodeKey = nodeKeyOf(crypto, options.nodeKey);
    this.#mail = options.mailserver && new MailClient(crypto, this.clock, this.#nodeKey, options.mailserver);
  }

  /**
   * Queries the mailserver, and again while it is offline.
   * @throws TRANSPORT_UNAVAILABLE when the deadline has passed; ABORTED; CLOSED
   */
  async history(query: MailQuery, closing: AbortSignal): Promise<void> {
    await withDeadline(this.clock, query.signal, this.offlineTimeout, async (limits) => {
      for (;;) {
        const host = await this.host();
        try {
          return await this.#mail?.query(host, query);
        } catch (error) {
          if (!isSottoError(error, 'TRANSPORT_UNAVAILABLE') || limits.deadline?.isOver) throw error;
          // It is connected but silent: there is no change to wait for.
          if (host.peers.some(({ id }) => id === this.#mail?.id)) throw error;
          await this.change('history', limits, closing);
        }
      }
    });
  }

  /** The highest requirement of the peers; at least 0.002, the default of deployed nodes. */
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

  /** @throws TRANSPORT_UNAVAILABLE when no peer connected in time; ABORTED */
  async join(connection: Connection, signal: AbortSignal | undefined): Promise<void> {
    this.#connections.add(connection);
    try {
      const host = await this.host();
      const deadline = new Deadline(this.clock, this.offlineTimeout);
      try {
        while (host.peers.length === 0) {
          await this.change('open', { deadline, signal }, connection.closing);
        }
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

  /** Tells peers the subscribed topics of all connections. */
  async announce(): Promise<void> {
    const host = await this.host();
    host.setBloom(bloomOfTopics([...this.#connections].flatMap((connection) => connection.topics)));
  }

  /**
   * Resolves when a peer connected, disconnected, or changed its requirements.
   * @param closing fires when the connection that waits is closed
   * @throws TRANSPORT_UNAVAILABLE when the deadline has passed; ABORTED; CLOSED
   */
  change(what: string, limits: WaitLimits, closing: AbortSignal): Promise<void> {
    const arm = (done: () => void) => {
      this.#waiting.add(done);
      return () => this.#waiting.delete(done);
    };
    return waitWithin(limits, closing, what, arm, 'no peer that accepts it is connected');
  }

  /** Lets waiting calls check again. */
  wake(): void {
    for (const done of [...this.#waiting]) done();
  }

  /** Tells the time to a connection that was opened after the estimate was made. */
  reportTimeTo(connection: Connection): void {
    if (this.#time.correction !== 0) connection.reportTime(this.#time.now());
  }

  #reportTime(): void {
    for (const connection of this.#connections) connection.reportTime(this.#time.now());
  }

  async #start(): Promise<WhisperHost> {
    let host: WhisperHost | undefined;
    const changed = () => {
      const had = this.#peers.length;
      if (host === undefined) return;
      this.#peers = host.peers;
      const has = this.#peers.length;
      const status = has > 0 && had === 0 ? 'connected' : has === 0 && had > 0 ? 'reconnecting' : undefined;
      if (status !== undefined) for (const connection of this.#connections) connection.reportStatus(status);
      this.wake();
    };
    host = await createWhisperHost({
      ...this.#options,
      clock: this.clock,
      nodeKey: this.#nodeKey.privateKey,
      onEnvelope: (peer, envelope) => {
        if (!peer.inbound) this.#time.addEnvelope(peer.id, envelope);
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
        if (connection !== origin) connection.deliver(pooled);
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
  readonly #closing = new AbortController();
  #opened = false;

  constructor(hub: Hub, handler: CarrierHandler, hasHistory: boolean) {
    this.#hub = hub;
    if (hasHistory) this.history = (topics, from, to, options) => this.#history(topics, from, to, options);
    this.#handler = handler;
  }

  /** Fires when the connection is closed. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  get #closed(): boolean {
    return this.#closing.signal.aborted;
  }

  get topics(): Topic[] {
    return [...this.#topics.values()];
  }

  async publish(
    _topic: Topic,
    envelope: Uint8Array,
    { signal }: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<void> {
    const limit = ENVELOPE_MAX_BYTES - PACKET_OVERHEAD;
    if (parseBytes(envelope, 'envelope').length > limit) {
      const details = { what: 'bytes of an envelope', limit, actual: envelope.length };
      throw new SottoError('LIMIT_EXCEEDED', 'The envelope is too large for peers.', details);
    }
    await withDeadline(this.#hub.clock, signal, this.#hub.offlineTimeout, async (limits) => {
      for (let attempt = 0; ; attempt++) {
        this.#checkOpen();
        if (signal?.aborted) throw abortedError('publish');
        if (await this.#publishNow(envelope, attempt)) return;
        this.#checkOpen();
        await this.#hub.change('publish', limits, this.closing);
      }
    });
  }

  async #publishNow(envelope: Uint8Array, attempt: number): Promise<boolean> {
    const host = await this.#hub.host();
    try {
      return await host.publish(envelope, this);
    } catch (error) {
      if (!isSottoError(error, 'MALFORMED_MESSAGE')) throw error;
      // It was valid at first: it has expired meanwhile.
      if (attempt > 0) throw unavailableError('no peer that accepts it connected before it expired');
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
    // Peers don't repeat envelopes that arrived before, by chance or for another connection.
    const { pool } = await this.#hub.host();
    const fresh = new Set(added);
    for (const pooled of pool) if (fresh.has(encodeHex(pooled.envelope.topic))) this.deliver(pooled);
  }

  async #history(
    topics: readonly Topic[],
    from: number,
    to: number,
    { signal }: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<void> {
    this.#checkOpen();
    const onEnvelope = ({ envelope, bytes }: DirectEnvelope) => {
      if (!this.#closed) return this.#handler.onEnvelope(envelope.topic, bytes, true);
    };
    await this.#hub.history({ topics, from, to, signal, onEnvelope }, this.closing);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closing.abort();
    await this.#hub.leave(this);
    this.#handler.onStatus?.('closed');
  }

  /** Delivers an envelope, if its topic is subscribed to. */
  deliver({ envelope, bytes }: PooledEnvelope): void {
    const topic = this.#topics.get(encodeHex(envelope.topic));
    if (topic !== undefined && !this.#closed)
      void this.#handler.onEnvelope(copyBytes(topic), copyBytes(bytes), false);
  }

  /** From now on status changes are reported. */
  opened(): void {
    this.#opened = true;
  }

  reportTime(now: number): void {
    if (!this.#closed) this.#handler.onClock?.({ now, source: 'peers' });
  }

  reportStatus(status: 'connected' | 'reconnecting'): void {
    if (this.#opened && !this.#closed) this.#handler.onStatus?.(status);
  }

  #checkOpen(): void {
    if (this.#closed) throw closedError();
  }
}
