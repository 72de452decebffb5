import {
  type Clock,
  encodeHex,
  invalidArgument,
  isBytes,
  LruCache,
  type PublicKey,
  TokenBucket,
} from '@sotto/core';
import type { ReceivedMessage } from '@sotto/messenger';
import type { AgentOptions, IdentityFilter, RateLimit, Refusal } from './options.js';

const SENDER_RATE: RateLimit = { perMinute: 20, burst: 10 };
const TOTAL_RATE: RateLimit = { perMinute: 600, burst: 200 };

/** Decides whose messages are handled, and how many of them. */
export class Admission {
  readonly #isAllowed: (identity: PublicKey) => boolean;
  readonly #isBlocked: (identity: PublicKey) => boolean;
  readonly #senders: LruCache<string, TokenBucket>;
  readonly #senderBucket: (() => TokenBucket) | undefined;
  readonly #total: TokenBucket | undefined;

  /** @throws INVALID_ARGUMENT */
  constructor(options: AgentOptions, clock: Clock, senders: number) {
    this.#isAllowed = options.allow === undefined ? () => true : parseFilter(options.allow, 'allow');
    this.#isBlocked = parseFilter(options.block ?? [], 'block');
    this.#senders = new LruCache(senders);
    this.#senderBucket = bucketMaker(clock, options.senderRate ?? SENDER_RATE, 'senderRate');
    this.#total = bucketMaker(clock, options.totalRate ?? TOTAL_RATE, 'totalRate')?.();
  }

  /** Why a message is refused; `undefined` when it may be handled, which counts against the rates. */
  refusal(received: ReceivedMessage): Refusal['reason'] | undefined {
    const { sender } = received;
    if (this.#isBlocked(sender)) return 'blocked';
    if (!this.#isAllowed(sender)) return 'notAllowed';
    const ofSender = this.#senderBucket && this.#senders.getOrCreate(encodeHex(sender), this.#senderBucket);
    // A sender who is over its own rate takes nothing of everybody's.
    if (ofSender?.takeIfAvailable(1) === false) return 'rateLimited';
    if (this.#total?.takeIfAvailable(1) === false) return 'rateLimited';
    return undefined;
  }
}

function parseFilter(filter: IdentityFilter, what: string): (identity: PublicKey) => boolean {
  if (typeof filter === 'function') return filter;
  if (!Array.isArray(filter)) throw invalidArgument(what, 'neither a list of public keys nor a function');
  const known = new Set(filter.map((key: Uint8Array) => compressed(key, what)));
  return (identity) => known.has(encodeHex(identity));
}

/** A public key in compressed SEC1, as hex. Whether it is a point of the curve doesn't matter: nobody writes with one that isn't. */
function compressed(key: Uint8Array, what: string): string {
  if (isBytes(key) && key.length === 33) return encodeHex(key);
  if (isBytes(key) && key.length === 65) {
    return encodeHex(Uint8Array.of((key[64] as number) % 2 === 0 ? 2 : 3, ...key.subarray(1, 33)));
  }
  throw invalidArgument(what, 'has something other than public keys of 33 or 65 bytes');
}

/** @throws INVALID_ARGUMENT */
function bucketMaker(clock: Clock, rate: RateLimit | false, what: string): (() => TokenBucket) | undefined {
  if (rate === false) return undefined;
  const { perMinute, burst } = rate;
  if (!(perMinute > 0 && burst >= 1))
    throw invalidArgument(what, 'not a positive rate with a burst of at least 1');
  return () => new TokenBucket(clock, perMinute / 60, burst);
}
