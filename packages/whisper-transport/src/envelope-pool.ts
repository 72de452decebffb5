import { type Clock, copyBytes, encodeHex, SottoError, systemClock, type Topic } from '@sotto/core';
import { type CryptoProvider, defaultProvider } from '@sotto/crypto';
import { DedupSet } from './dedup-set.js';
import { checkEnvelope, DEFAULT_ENVELOPE_POLICY, type EnvelopePolicy } from './envelope/check.js';
import { decodeEnvelope, type Envelope, envelopeHash } from './envelope/envelope.js';
import { ENVELOPE_MAX_BYTES } from './envelope/limits.js';
import { TopicIndex } from './topic-index.js';

/** An envelope that is alive. Its bytes are everybody's: not to be changed. */
export interface PooledEnvelope {
  /** KECCAK-256 of the bytes in hex, 64 digits: its name on the network. */
  readonly hash: string;
  /** As it goes over the wire. */
  readonly bytes: Uint8Array;
  readonly envelope: Envelope;
  /** Its proof of work. */
  readonly pow: number;
}

export interface EnvelopePoolOptions {
  readonly crypto?: CryptoProvider;
  readonly clock?: Clock;
  /** What an envelope must be to get in. Default: as deployed nodes have it, with a ceiling for the time to live. */
  readonly policy?: Partial<EnvelopePolicy>;
  /** Envelopes alive at once. Default 200,000: 2,000 a second that live 100 s. */
  readonly maxEnvelopes?: number;
  /** Bytes of all of them. Default 2^27: 128 MB, which cost about three times that in memory. */
  readonly maxBytes?: number;
}

/** Told of each envelope that comes in, once, with whoever brought it. Doesn't throw. */
export type PoolListener = (envelope: PooledEnvelope, origin: unknown) => void;

/**
 * The envelopes that are alive, by hash: what a node has to hand on, and to know again. Each costs the same however
 * many there are; they leave in the second after they expire.
 *
 * When it is full, what would live longest goes first, or is not let in: it takes most room, and clients do with 15 s.
 */
export class EnvelopePool {
  readonly #crypto: CryptoProvider;
  readonly #clock: Clock;
  readonly #maxEnvelopes: number;
  readonly #maxBytes: number;
  readonly #envelopes = new Map<string, PooledEnvelope>();
  /** Hashes by the second in which they expire. */
  readonly #expiring = new Map<number, Set<string>>();
  readonly #byTopic = new TopicIndex<PooledEnvelope>();
  /** What had to make room: not new when a peer brings it again. */
  readonly #displaced: DedupSet;
  readonly #listeners = new Set<PoolListener>();
  #policy: EnvelopePolicy;
  /** Of those that may be in it. */
  #longestTtl: number;
  #bytes = 0;
  #cancelTimer: () => void;
  #closed = false;

  constructor(options: EnvelopePoolOptions = {}) {
    this.#crypto = options.crypto ?? defaultProvider();
    this.#clock = options.clock ?? systemClock;
    this.#policy = { ...DEFAULT_ENVELOPE_POLICY, ...options.policy };
    this.#longestTtl = this.#policy.maxTtl;
    this.#maxEnvelopes = options.maxEnvelopes ?? 200_000;
    this.#maxBytes = options.maxBytes ?? 2 ** 27;
    this.#displaced = new DedupSet(this.#maxEnvelopes);
    this.#cancelTimer = this.#sweepLater();
  }

  /** What is asked of envelopes now. */
  get policy(): EnvelopePolicy {
    return this.#policy;
  }

  /** Asks something else of envelopes from now on; those that are in stay. */
  setPolicy(changes: Partial<EnvelopePolicy>): void {
    this.#policy = { ...this.#policy, ...changes };
    this.#longestTtl = Math.max(this.#longestTtl, this.#policy.maxTtl);
  }

  /** Envelopes in it. */
  get size(): number {
    return this.#envelopes.size;
  }

  /** Bytes of all of them. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Topics that some envelope in it has. */
  get topics(): number {
    return this.#byTopic.size;
  }

  /** Those with this topic, in the order in which they came. Costs no more the more others there are. */
  withTopic(topic: Topic): Iterable<PooledEnvelope> {
    return this.#byTopic.get(topic);
  }

  get(hash: string): PooledEnvelope | undefined {
    return this.#envelopes.get(hash);
  }

  [Symbol.iterator](): IterableIterator<PooledEnvelope> {
    return this.#envelopes.values();
  }

  /**
   * Takes an envelope, and tells the listeners. The bytes are copied.
   *
   * @param origin whoever brought it; handed to the listeners, who need not give it back to him
   * @returns `undefined` when it is known already
   * @throws MALFORMED_MESSAGE, with the reason, for what should not be carried; LIMIT_EXCEEDED when it is too large
   * or there is no room for it; CLOSED
   */
  add(bytes: Uint8Array, origin?: unknown): PooledEnvelope | undefined {
    const { pooled, isNew } = this.offer(bytes, origin);
    return isNew ? pooled : undefined;
  }

  /**
   * Does what {@link add} does, and also gives what is known already.
   *
   * @returns `pooled` is missing when it had to make room and is still remembered
   * @throws as `add` does
   */
  offer(bytes: Uint8Array, origin?: unknown): { readonly pooled?: PooledEnvelope; readonly isNew: boolean } {
    if (this.#closed) throw new SottoError('CLOSED', 'The pool was closed.', { what: 'envelope pool' });
    if (bytes.length > ENVELOPE_MAX_BYTES)
      throw full('bytes of an envelope', ENVELOPE_MAX_BYTES, bytes.length);
    const hash = encodeHex(envelopeHash(this.#crypto, bytes));
    const known = this.#envelopes.get(hash);
    if (known !== undefined) return { pooled: known, isNew: false };
    if (this.#displaced.has(hash)) return { isNew: false };
    const envelope = decodeEnvelope(bytes);
    const pow = checkEnvelope(this.#crypto, envelope, this.#seconds(), this.#policy);
    this.#makeRoom(bytes.length, envelope.expiry);
    const pooled: PooledEnvelope = { hash, bytes: copyBytes(bytes), envelope, pow };
    this.#envelopes.set(hash, pooled);
    this.#byTopic.add(pooled);
    this.#bytes += bytes.length;
    const alike = this.#expiring.get(envelope.expiry);
    if (alike === undefined) this.#expiring.set(envelope.expiry, new Set([hash]));
    else alike.add(hash);
    for (const listener of this.#listeners) listener(pooled, origin);
    return { pooled, isNew: true };
  }

  /** Tells the listener of each envelope that comes in, until the function given back is called. */
  subscribe(listener: PoolListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Forgets everything. Closing twice is fine. */
  close(): void {
    this.#closed = true;
    this.#cancelTimer();
    this.#listeners.clear();
    this.#envelopes.clear();
    this.#expiring.clear();
    this.#byTopic.clear();
    this.#bytes = 0;
  }

  #seconds(): number {
    return Math.floor(this.#clock.now() / 1000);
  }

  #sweepLater(): () => void {
    return this.#clock.after(1000, () => {
      this.#sweep();
      this.#cancelTimer = this.#sweepLater();
    });
  }

  /**
   * Drops what has expired, and what would not be let in now, as the clock was set back: it would stay for as long. There
   * are few seconds to look at: those up to the longest time to live.
   */
  #sweep(): void {
    const now = this.#seconds();
    const latest = now + this.#longestTtl + this.#policy.maxAhead;
    for (const second of [...this.#expiring.keys()]) if (second < now || second > latest) this.#drop(second);
  }

  #drop(second: number): void {
    const hashes = this.#expiring.get(second);
    if (hashes === undefined) return;
    this.#expiring.delete(second);
    for (const hash of hashes) this.#remove(hash);
  }

  #remove(hash: string): void {
    const pooled = this.#envelopes.get(hash);
    if (pooled === undefined) return;
    this.#envelopes.delete(hash);
    this.#byTopic.remove(pooled);
    this.#bytes -= pooled.bytes.length;
  }

  #makeRoom(length: number, expiry: number): void {
    while (this.#envelopes.size >= this.#maxEnvelopes || this.#bytes + length > this.#maxBytes) {
      // Few: the seconds up to the longest time to live.
      const last = Math.max(...this.#expiring.keys());
      if (!(last > expiry)) {
        throw this.#envelopes.size >= this.#maxEnvelopes
          ? full('envelopes in the pool', this.#maxEnvelopes, this.#envelopes.size + 1)
          : full('bytes of the pool', this.#maxBytes, this.#bytes + length);
      }
      const hashes = this.#expiring.get(last) as Set<string>;
      const [hash] = hashes as Iterable<string>;
      if (hash !== undefined) {
        hashes.delete(hash);
        this.#remove(hash);
        this.#displaced.add(hash);
      }
      if (hashes.size === 0) this.#expiring.delete(last);
    }
  }
}

function full(what: string, limit: number, actual: number): SottoError<'LIMIT_EXCEEDED'> {
  return new SottoError('LIMIT_EXCEEDED', `Over the limit: ${what}.`, { what, limit, actual });
}
