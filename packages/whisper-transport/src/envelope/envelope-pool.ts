import { type Clock, copyBytes, DedupSet, encodeHex, SottoError, systemClock, type Topic } from '@sotto/core';
import { type CryptoProvider, defaultProvider } from '@sotto/crypto';
import { checkEnvelope, DEFAULT_ENVELOPE_POLICY, type EnvelopePolicy } from './check.js';
import { decodeEnvelope, type Envelope, envelopeHash } from './envelope.js';
import { ENVELOPE_MAX_BYTES } from './limits.js';
import { TopicIndex } from './topic-index.js';

/** A live envelope. Its bytes are shared and must not be changed. */
export interface PooledEnvelope {
  /** KECCAK-256 of the bytes in hex, 64 digits: its name on the network. */
  readonly hash: string;
  /** As on the wire. */
  readonly bytes: Uint8Array;
  /** The same, decoded. */
  readonly envelope: Envelope;
  /** Its proof of work. */
  readonly pow: number;
}

/** Options of an {@link EnvelopePool}. */
export interface EnvelopePoolOptions {
  /** Default: the best provider for this platform. */
  readonly crypto?: CryptoProvider | undefined;
  /** Decides what has expired. Default: the system's clock. */
  readonly clock?: Clock | undefined;
  /** Requirements on envelopes. Default: those of deployed nodes, with a limit for the time to live. */
  readonly policy?: Partial<EnvelopePolicy> | undefined;
  /** Most live envelopes. Default 200,000: 2,000 a second that live 100 s. */
  readonly maxEnvelopes?: number | undefined;
  /** Most bytes of all of them. Default 2^27: 128 MB, which take about three times as much memory. */
  readonly maxBytes?: number | undefined;
}

/** Called once for each new envelope, with its origin. Must not throw. */
export type PoolListener = (envelope: PooledEnvelope, origin: unknown) => void;

/**
 * The live envelopes of a node, by hash: those that it forwards and recognises. The cost of each does not depend on their number; they
 * are removed in the second after they expire.
 *
 * When the pool is full, envelopes that would live longest are removed first, or refused: they take up most space, and clients need no
 * more than 15 s.
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
  /** Envelopes removed to make room, which are not new when they arrive again. */
  readonly #displaced: DedupSet<string>;
  readonly #listeners = new Set<PoolListener>();
  #policy: EnvelopePolicy;
  /** The longest time to live that an envelope in the pool may have. */
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
    this.#cancelTimer = this.#scheduleSweep();
  }

  /** The current requirements. */
  get policy(): EnvelopePolicy {
    return this.#policy;
  }

  /** Changes the requirements; envelopes in the pool stay. */
  setPolicy(changes: Partial<EnvelopePolicy>): void {
    this.#policy = { ...this.#policy, ...changes };
    this.#longestTtl = Math.max(this.#longestTtl, this.#policy.maxTtl);
  }

  /** Number of envelopes. */
  get size(): number {
    return this.#envelopes.size;
  }

  /** Bytes of all envelopes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Number of topics of the envelopes. */
  get topics(): number {
    return this.#byTopic.size;
  }

  /** The envelopes of a topic, in order of arrival. The cost does not depend on the number of others. */
  withTopic(topic: Topic): Iterable<PooledEnvelope> {
    return this.#byTopic.get(topic);
  }

  /** The envelope with this hash (64 hex digits), if it is in the pool. */
  get(hash: string): PooledEnvelope | undefined {
    return this.#envelopes.get(hash);
  }

  /** All envelopes, in order of arrival. */
  [Symbol.iterator](): IterableIterator<PooledEnvelope> {
    return this.#envelopes.values();
  }

  /**
   * Adds an envelope, and calls the listeners. The bytes are copied.
   *
   * @param origin where it came from; passed to the listeners, which need not send it back there
   * @returns `undefined` when it is known already
   * @throws MALFORMED_MESSAGE with the reason when it does not meet the requirements; LIMIT_EXCEEDED when it is too large or the pool is
   * full; CLOSED
   */
  add(bytes: Uint8Array, origin?: unknown): PooledEnvelope | undefined {
    const { pooled, isNew } = this.offer(bytes, origin);
    return isNew ? pooled : undefined;
  }

  /**
   * Like {@link add}, but also returns an envelope that is known already.
   *
   * @returns `pooled` is missing for an envelope that was removed to make room
   * @throws as `add` does
   */
  offer(
    bytes: Uint8Array,
    origin?: unknown,
  ): { readonly pooled?: PooledEnvelope | undefined; readonly isNew: boolean } {
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

  /** Calls the listener for each new envelope, until the returned function is called. */
  subscribe(listener: PoolListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Removes everything. Closing twice is fine. */
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

  #scheduleSweep(): () => void {
    return this.#clock.after(1000, () => {
      this.#sweep();
      this.#cancelTimer = this.#scheduleSweep();
    });
  }

  /**
   * Removes envelopes that have expired, and those from a future that a clock set back has left: they would stay that long. Only the
   * seconds up to the longest time to live have to be checked.
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
      // As many as there are seconds in the longest time to live: too many for arguments of a call.
      let last = Number.NEGATIVE_INFINITY;
      for (const second of this.#expiring.keys()) last = Math.max(last, second);
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
