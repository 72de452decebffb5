import { type Clock, encodeHex, type Logger } from '@sotto/core';
import { encodeRelayFrame, RELAY_VERSION } from '@sotto/whisper-transport/relay-protocol';
import { ENVELOPE_MAX_BYTES, type EnvelopePool, type PooledEnvelope } from '@sotto/whisper-transport/whisper';
import type { WebSocket } from 'ws';
import type { EnvelopeArchive } from '../archive/envelope-archive.js';
import { Quota } from '../limits/quota.js';
import { Rates } from '../limits/rates.js';
import { type RelayHost, type RelayLimits, RelaySession } from './relay-session.js';

export interface RelayServerOptions {
  readonly pool: EnvelopePool;
  /** The archive that answers histories. Without it there are none. */
  readonly archive: EnvelopeArchive | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits: RelayLimits;
  /** Called for each frame, for metrics. */
  readonly onFrame?: (kind: string, outcome: string) => void;
}

/** Milliseconds between two pings of clients. */
const HEARTBEAT_MS = 30_000;

/** The relay: sends envelopes of the pool to the clients that have subscribed to their topics. */
export class RelayServer implements RelayHost {
  readonly pool: EnvelopePool;
  readonly archive: EnvelopeArchive | undefined;
  readonly clock: Clock;
  readonly limits: RelayLimits;
  readonly #logger: Logger;
  readonly #onFrame: (kind: string, outcome: string) => void;
  readonly #clients = new Set<RelaySession>();
  readonly #byAddress = new Map<string, Set<RelaySession>>();
  readonly #rates: Rates;
  readonly #addressTopics: Quota;
  readonly #byTopic = new Map<string, Set<RelaySession>>();
  readonly #unsubscribe: () => void;
  #cancelHeartbeat: () => void;

  constructor(options: RelayServerOptions) {
    this.pool = options.pool;
    this.archive = options.archive;
    this.clock = options.clock;
    this.limits = options.limits;
    const { addressRate, addressTopics } = options.limits;
    this.#rates = new Rates(options.clock, addressRate, 3 * addressRate);
    this.#addressTopics = new Quota(addressTopics);
    this.#logger = options.logger;
    this.#onFrame = options.onFrame ?? (() => {});
    this.#unsubscribe = this.pool.subscribe((pooled) => this.#deliver(pooled));
    this.#cancelHeartbeat = this.#scheduleHeartbeat();
  }

  /** Number of connected clients. */
  get clients(): number {
    return this.#clients.size;
  }

  /** Number of topics with subscriptions. */
  get topics(): number {
    return this.#byTopic.size;
  }

  /**
   * Accepts a WebSocket that has just been opened.
   * @param address the name of its address, see `addressName`, by which limits count
   */
  accept(socket: WebSocket, address: string): void {
    const client = new RelaySession(socket, this, address);
    this.#clients.add(client);
    const others = this.#byAddress.get(address);
    if (others === undefined) this.#byAddress.set(address, new Set([client]));
    else others.add(client);
    socket.on('error', (error) => this.#logger.debug('relay.socket-error', { reason: error.message }));
    socket.on('close', () => {
      this.#clients.delete(client);
      const neighbours = this.#byAddress.get(address);
      neighbours?.delete(client);
      if (neighbours?.size === 0) this.#byAddress.delete(address);
      this.#addressTopics.give(address, client.topics.size);
      this.onTopicsChanged(client, client.topics, new Set());
    });
    client.send({
      kind: 'welcome',
      version: RELAY_VERSION,
      history: this.archive !== undefined,
      minimumPow: this.pool.policy.minimumPow,
      maxEnvelopeBytes: ENVELOPE_MAX_BYTES,
      maxTopics: this.limits.maxTopics,
      time: this.clock.now(),
    });
  }

  onTopicsChanged(client: RelaySession, before: ReadonlySet<string>, after: ReadonlySet<string>): void {
    for (const topic of before) {
      if (after.has(topic)) continue;
      const clients = this.#byTopic.get(topic);
      clients?.delete(client);
      if (clients?.size === 0) this.#byTopic.delete(topic);
    }
    for (const topic of after) {
      const clients = this.#byTopic.get(topic);
      if (clients === undefined) this.#byTopic.set(topic, new Set([client]));
      else clients.add(client);
    }
  }

  delayOf(address: string, cost: number): number | undefined {
    return this.#rates.take(address, cost);
  }

  takeTopics(address: string, more: number): boolean {
    if (more > 0) return this.#addressTopics.take(address, more);
    this.#addressTopics.give(address, -more);
    return true;
  }

  unreadOf(address: string): number {
    let bytes = 0;
    for (const { unread } of this.#byAddress.get(address) ?? []) bytes += unread;
    return bytes;
  }

  onFrame(kind: string, outcome: string): void {
    this.#onFrame(kind, outcome);
  }

  close(): void {
    this.#unsubscribe();
    this.#cancelHeartbeat();
    for (const client of this.#clients) client.terminate();
  }

  #deliver({ envelope, bytes }: PooledEnvelope): void {
    const clients = this.#byTopic.get(encodeHex(envelope.topic));
    if (clients === undefined) return;
    const frame = encodeRelayFrame({ kind: 'envelope', topic: envelope.topic, envelope: bytes });
    for (const client of clients) client.sendEncoded(frame);
  }

  #scheduleHeartbeat(): () => void {
    return this.clock.after(HEARTBEAT_MS, () => {
      for (const client of this.#clients) client.checkAlive();
      this.#cancelHeartbeat = this.#scheduleHeartbeat();
    });
  }
}
