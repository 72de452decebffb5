import { SottoError } from '@sotto/core';
import type { EnvelopePool, PooledEnvelope } from '@sotto/whisper-transport/whisper';
import { matchesBloom, peekTopic } from '@sotto/whisper-transport/whisper';
import type { WhisperPacket } from '../packets/packet.js';
import { isPeersFault } from './blame.js';
import type { HostSettings } from './host-options.js';
import { WhisperLink } from './whisper-link.js';

/** Milliseconds for which peers may still send by the requirements that we had before, as deployed nodes have it. */
const CHANGE_TOLERANCE = 10_000;

/** What a host has done since it was made, for its operator. */
export interface WhisperHostCounters {
  /** Envelopes that peers sent and that were new. */
  received: number;
  /** Envelopes that peers sent and that were known. */
  repeated: number;
  /** Envelopes that peers sent and that were refused, or not asked for. */
  refused: number;
  /** Envelopes handed to a peer, counted for each. */
  sent: number;
  /** Envelopes that had to go from a peer's queue for newer ones. */
  dropped: number;
  /** Times that a peer was banned. */
  bans: number;
}

export interface EnvelopeExchangeOptions {
  readonly settings: HostSettings;
  readonly pool: EnvelopePool;
  /** Topics that we want, 64 bytes; `undefined` for all. */
  readonly bloom: Uint8Array | undefined;
  /** Those that are ready. */
  readonly peers: Iterable<WhisperLink>;
}

/** Envelopes between the pool and the peers, and what we ask of them. */
export class EnvelopeExchange {
  readonly counters: WhisperHostCounters = {
    received: 0,
    repeated: 0,
    refused: 0,
    sent: 0,
    dropped: 0,
    bans: 0,
  };
  readonly #settings: HostSettings;
  readonly #pool: EnvelopePool;
  readonly #peers: Iterable<WhisperLink>;
  readonly #unsubscribe: () => void;
  /** What peers brought: in light mode not handed on. */
  readonly #foreign = new WeakSet<PooledEnvelope>();
  #bloom: Uint8Array | undefined;
  /** What we ask for has changed a moment ago. */
  #hasChanged = false;
  #cancelChange = () => {};

  constructor({ settings, pool, bloom, peers }: EnvelopeExchangeOptions) {
    this.#settings = settings;
    this.#pool = pool;
    this.#bloom = bloom;
    this.#peers = peers;
    this.#unsubscribe = pool.subscribe((pooled, origin) => this.#spread(pooled, origin));
  }

  get bloom(): Uint8Array | undefined {
    return this.#bloom;
  }

  setBloom(bloom: Uint8Array | undefined): void {
    this.#bloom = bloom;
    this.#announce({ kind: 'bloom', bloom });
  }

  /** @throws INVALID_ARGUMENT */
  setMinimumPow(minimumPow: number): void {
    if (!Number.isFinite(minimumPow) || minimumPow < 0) {
      const reason = 'not a number that is 0 or more';
      throw new SottoError('INVALID_ARGUMENT', 'No such proof of work.', { what: 'minimumPow', reason });
    }
    this.#pool.setPolicy({ minimumPow });
    this.#announce({ kind: 'powRequirement', minimumPow });
  }

  #announce(packet: WhisperPacket): void {
    this.#hasChanged = true;
    this.#cancelChange();
    this.#cancelChange = this.#settings.clock.after(CHANGE_TOLERANCE, () => {
      this.#hasChanged = false;
    });
    for (const link of this.#peers) void link.send(packet);
  }

  /** Tells a peer what has changed since it was greeted. */
  correct(link: WhisperLink): void {
    const { minimumPow } = this.#pool.policy;
    if (link.greeting?.minimumPow !== minimumPow) void link.send({ kind: 'powRequirement', minimumPow });
    if (link.greeting?.bloom !== this.#bloom) void link.send({ kind: 'bloom', bloom: this.#bloom });
  }

  /** See `WhisperHost.publish`. */
  async publish(envelope: Uint8Array, origin: unknown): Promise<boolean> {
    const { pooled } = this.#pool.offer(envelope, origin);
    if (pooled === undefined) return false;
    return anyTrue([...this.#peers].map((link) => link.deliver(pooled)));
  }

  /** Offers an envelope that has come in to all who may not have it. */
  #spread(pooled: PooledEnvelope, origin: unknown): void {
    if (origin instanceof WhisperLink) {
      this.#foreign.add(pooled);
      origin.markKnown(pooled);
      if (this.#settings.mode === 'light') return;
    }
    for (const link of this.#peers) link.offer(pooled);
  }

  /** A peer is new, or asks for something else: it may want what is alive. */
  offerAll(link: WhisperLink): void {
    const light = this.#settings.mode === 'light';
    for (const pooled of this.#pool) if (!light || !this.#foreign.has(pooled)) link.offer(pooled);
  }

  /** Takes an envelope from a peer. @throws what the pool threw, once the peer has sent too much that it refuses */
  receive(link: WhisperLink, bytes: Uint8Array): void {
    const { counters } = this;
    const pool = this.#pool;
    const topic = peekTopic(bytes);
    if (topic !== undefined && this.#bloom !== undefined && !matchesBloom(this.#bloom, topic)) {
      // A neighbour may not have heard yet what is wanted; how much it sends is limited anyhow.
      counters.refused++;
      return;
    }
    try {
      const { pooled, isNew } = pool.offer(bytes, link);
      if (isNew) counters.received++;
      else counters.repeated++;
      if (pooled !== undefined) link.markKnown(pooled);
    } catch (error) {
      counters.refused++;
      const { clock, ban } = this.#settings;
      const now = clock.now();
      const blamed = isPeersFault(error, bytes, Math.floor(now / 1000), ban.expiryTolerance, pool.policy);
      if (blamed && !this.#hasChanged && !link.tolerate()) throw error;
    }
  }

  close(): void {
    this.#cancelChange();
    this.#unsubscribe();
  }
}

/** As soon as one of them is true, or all are false. */
function anyTrue(promises: readonly Promise<boolean>[]): Promise<boolean> {
  return new Promise((resolve) => {
    for (const promise of promises) void promise.then((value) => value && resolve(true));
    void Promise.all(promises).then((values) => resolve(values.includes(true)));
  });
}
