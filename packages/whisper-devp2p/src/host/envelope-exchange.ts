import { invalidArgument } from '@sotto/core';
import type { EnvelopePool, PooledEnvelope } from '@sotto/whisper-transport/whisper';
import { matchesBloom, peekTopic } from '@sotto/whisper-transport/whisper';
import type { WhisperPacket } from '../packets/packet.js';
import { isPeersFault } from './blame.js';
import type { HostSettings, WhisperHostCounters } from './host-options.js';
import { WhisperLink } from './whisper-link.js';

/** Milliseconds for which peers may still send by our previous requirements, as with deployed nodes. */
const CHANGE_TOLERANCE = 10_000;

export interface EnvelopeExchangeOptions {
  readonly settings: HostSettings;
  readonly pool: EnvelopePool;
  /** The topics that we want: a bloom filter, 64 bytes; `undefined` for all. */
  readonly bloom: Uint8Array | undefined;
  /** The peers that are ready. */
  readonly peers: Iterable<WhisperLink>;
}

/** Exchanges envelopes between the pool and the peers. */
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
  /** Envelopes from peers, which are not forwarded in light mode. */
  readonly #foreign = new WeakSet<PooledEnvelope>();
  #bloom: Uint8Array | undefined;
  /** Whether our requirements changed a moment ago. */
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
      const reason = 'not a number of 0 or more';
      throw invalidArgument('minimumPow', reason);
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

  /** Tells a peer our requirements, if they have changed since our status. */
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

  /** Offers a new envelope to all peers that may not have it. */
  #spread(pooled: PooledEnvelope, origin: unknown): void {
    if (origin instanceof WhisperLink) {
      this.#foreign.add(pooled);
      origin.markKnown(pooled);
      if (this.#settings.mode === 'light') return;
    }
    for (const link of this.#peers) link.offer(pooled);
  }

  /** Offers all live envelopes to a peer that is new, or has changed its requirements. @returns how many there are */
  offerAll(link: WhisperLink): number {
    const light = this.#settings.mode === 'light';
    for (const pooled of this.#pool) if (!light || !this.#foreign.has(pooled)) link.offer(pooled);
    return this.#pool.size;
  }

  /** Accepts an envelope from a peer. @throws the pool's error, once the peer has sent too many that are refused */
  receive(link: WhisperLink, bytes: Uint8Array): void {
    const { counters } = this;
    const pool = this.#pool;
    const topic = peekTopic(bytes);
    if (topic !== undefined && this.#bloom !== undefined && !matchesBloom(this.#bloom, topic)) {
      // The peer may not know our filter yet; the rate at which it sends is limited anyway.
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

/** Resolves with true as soon as one of them does, or with false when all have. */
function anyTrue(promises: readonly Promise<boolean>[]): Promise<boolean> {
  return new Promise((resolve) => {
    for (const promise of promises) void promise.then((value) => value && resolve(true));
    void Promise.all(promises).then((values) => resolve(values.includes(true)));
  });
}
