import { type Clock, compareBytes, encodeHex, isSottoError, type PublicKey, type Topic } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import {
  decodePlain,
  type OpeningKey,
  openData,
  type PooledEnvelope,
} from '@sotto/whisper-transport/whisper';
import { Quota } from '../limits/quota.js';
import { refused } from './rpc-error.js';

/** What a client wants to see. */
export interface Criteria {
  readonly key: OpeningKey;
  /** None for all topics. */
  readonly topics: readonly Topic[];
  readonly minimumPow: number;
  /** Only what he has signed. */
  readonly signer: PublicKey | undefined;
  /** Also what a peer sends directly, such as a mailserver. */
  readonly allowP2p: boolean;
}

/** A message as JSON-RPC has it. */
export interface RpcMessage {
  readonly sig?: string;
  readonly ttl: number;
  readonly timestamp: number;
  readonly topic: string;
  readonly payload: string;
  readonly padding: string;
  readonly pow: number;
  readonly hash: string;
  readonly recipientPublicKey?: string;
}

export interface FilterLimits {
  readonly maxFilters: number;
  /** Of them of one client. */
  readonly maxFiltersPerClient: number;
  /** Topics of one filter. */
  readonly maxTopics: number;
  /** Messages that wait in one filter. */
  readonly maxMessages: number;
  /** Bytes of what waits in all filters of one client. */
  readonly maxBytesPerClient: number;
}

interface Opened {
  readonly message: RpcMessage;
  readonly signer: PublicKey | undefined;
}

class Filter {
  readonly criteria: Criteria;
  /** One key is tried once for an envelope, however many filters have it. */
  readonly keyName: string;
  readonly onMessage: ((message: RpcMessage) => void) | undefined;
  /** Whose it is. */
  readonly client: string;
  /** By hash, the oldest first. */
  messages = new Map<string, RpcMessage>();
  /** Number of the look before it was asked last. */
  usedAt: number;

  constructor(
    client: string,
    criteria: Criteria,
    usedAt: number,
    onMessage: ((message: RpcMessage) => void) | undefined,
  ) {
    const { key } = criteria;
    this.client = client;
    this.criteria = criteria;
    this.keyName = encodeHex(key.kind === 'symmetric' ? key.key : key.identity.publicKey);
    this.onMessage = onMessage;
    this.usedAt = usedAt;
  }
}

/** Milliseconds between two looks at which filters were asked, and looks after which one goes: as in go-ethereum. */
const LOOK_MS = 60_000;
const UNUSED_LOOKS = 5;
/** Bytes of a message without payload and padding. */
const MESSAGE_BYTES = 1_000;
const ALL_TOPICS = '';
const hex = (bytes: Uint8Array) => `0x${encodeHex(bytes)}`;

/** The filters of all clients. What comes is only opened for those on its topic. */
export class Filters {
  readonly #crypto: CryptoProvider;
  readonly #clock: Clock;
  readonly #limits: FilterLimits;
  readonly #filters = new Map<string, Filter>();
  readonly #byTopic = new Map<string, Set<Filter>>();
  readonly #held: Quota;
  /** Bytes that wait. */
  readonly #bytes: Quota;
  /** How often it was looked: time by this, however the clock is set. */
  #looks = 0;
  #cancelCleaning: () => void;

  constructor(crypto: CryptoProvider, clock: Clock, limits: FilterLimits) {
    this.#crypto = crypto;
    this.#clock = clock;
    this.#limits = limits;
    this.#held = new Quota(limits.maxFiltersPerClient);
    this.#bytes = new Quota(limits.maxBytesPerClient);
    this.#cancelCleaning = this.#cleanLater();
  }

  get size(): number {
    return this.#filters.size;
  }

  /** @param onMessage gets what comes; without it, messages wait until they are fetched */
  install(client: string, criteria: Criteria, onMessage?: (message: RpcMessage) => void): string {
    const { maxFilters, maxFiltersPerClient, maxTopics } = this.#limits;
    if (criteria.topics.length > maxTopics) throw refused(`no more than ${maxTopics} topics in a filter`);
    if (this.#filters.size >= maxFilters)
      throw refused(`no more than ${maxFilters} filters here; delete some`);
    if (!this.#held.take(client))
      throw refused(`no more than ${maxFiltersPerClient} filters of one address; delete some`);
    const id = encodeHex(this.#crypto.randomBytes(32));
    const filter = new Filter(client, criteria, this.#looks, onMessage);
    this.#filters.set(id, filter);
    for (const topic of topicsOf(filter)) {
      const others = this.#byTopic.get(topic);
      if (others === undefined) this.#byTopic.set(topic, new Set([filter]));
      else others.add(filter);
    }
    return id;
  }

  /** Whether there was one. */
  remove(id: string): boolean {
    const filter = this.#filters.get(id);
    if (filter === undefined) return false;
    this.#filters.delete(id);
    this.#held.give(filter.client);
    this.#emptied(filter);
    for (const topic of topicsOf(filter)) {
      const others = this.#byTopic.get(topic);
      others?.delete(filter);
      if (others?.size === 0) this.#byTopic.delete(topic);
    }
    return true;
  }

  /** What has come since it was asked last. */
  fetch(id: string): RpcMessage[] {
    const filter = this.#filters.get(id);
    if (filter === undefined) throw refused('filter not found');
    filter.usedAt = this.#looks;
    return this.#emptied(filter);
  }

  #emptied(filter: Filter): RpcMessage[] {
    const messages = [...filter.messages.values()];
    filter.messages = new Map();
    for (const message of messages) this.#bytes.give(filter.client, bytesOf(message));
    return messages;
  }

  /** Shows an envelope to those who may want it. */
  offer(pooled: PooledEnvelope, isP2p = false): void {
    const opened = new Map<string, Opened | undefined>();
    for (const topic of [encodeHex(pooled.envelope.topic), ALL_TOPICS]) {
      for (const filter of this.#byTopic.get(topic) ?? []) this.#offerTo(filter, pooled, isP2p, opened);
    }
  }

  close(): void {
    this.#cancelCleaning();
    this.#filters.clear();
    this.#byTopic.clear();
  }

  #offerTo(
    filter: Filter,
    pooled: PooledEnvelope,
    isP2p: boolean,
    opened: Map<string, Opened | undefined>,
  ): void {
    const { key, minimumPow, signer, allowP2p } = filter.criteria;
    if (isP2p && !allowP2p) return;
    if (minimumPow > 0 && pooled.pow < minimumPow) return;
    if (!opened.has(filter.keyName)) opened.set(filter.keyName, this.#open(key, pooled));
    const found = opened.get(filter.keyName);
    if (found === undefined) return;
    if (signer !== undefined && (found.signer === undefined || compareBytes(signer, found.signer) !== 0))
      return;
    const { message } = found;
    if (filter.onMessage !== undefined) {
      filter.onMessage(message);
      return;
    }
    this.#forget(filter, message.hash);
    while (filter.messages.size >= this.#limits.maxMessages) this.#forgetOldest(filter);
    while (!this.#bytes.take(filter.client, bytesOf(message))) {
      if (filter.messages.size === 0) return;
      this.#forgetOldest(filter);
    }
    filter.messages.set(message.hash, message);
  }

  #forgetOldest(filter: Filter): void {
    const [oldest] = filter.messages.keys();
    if (oldest !== undefined) this.#forget(filter, oldest);
  }

  #forget(filter: Filter, hash: string): void {
    const message = filter.messages.get(hash);
    if (message === undefined) return;
    filter.messages.delete(hash);
    this.#bytes.give(filter.client, bytesOf(message));
  }

  /** `undefined` when the key does not fit, or what it opens is damaged. */
  #open(key: OpeningKey, { envelope, pow, hash }: PooledEnvelope): Opened | undefined {
    const { secp256k1 } = this.#crypto;
    try {
      const plain = openData(this.#crypto, key, envelope.data);
      const { payload, signer } = decodePlain(this.#crypto, plain);
      const message: RpcMessage = {
        ...(signer && { sig: hex(secp256k1.uncompressPublicKey(signer)) }),
        ttl: envelope.ttl,
        timestamp: envelope.expiry - envelope.ttl,
        topic: hex(envelope.topic),
        payload: hex(payload),
        padding: hex(paddingOf(plain, payload.length)),
        pow,
        hash: `0x${hash}`,
        ...(key.kind === 'asymmetric' && {
          recipientPublicKey: hex(secp256k1.uncompressPublicKey(key.identity.publicKey)),
        }),
      };
      return { message, signer };
    } catch (error) {
      if (isSottoError(error)) return undefined;
      throw error;
    }
  }

  #cleanLater(): () => void {
    return this.#clock.after(LOOK_MS, () => {
      this.#looks++;
      const since = this.#looks - UNUSED_LOOKS;
      for (const [id, filter] of [...this.#filters]) {
        if (filter.onMessage === undefined && filter.usedAt < since) this.remove(id);
      }
      this.#cancelCleaning = this.#cleanLater();
    });
  }
}

function topicsOf({ criteria }: Filter): readonly string[] {
  return criteria.topics.length === 0 ? [ALL_TOPICS] : criteria.topics.map(encodeHex);
}

/** What a message costs while it waits: its texts have one byte a character. */
function bytesOf({ payload, padding }: RpcMessage): number {
  return MESSAGE_BYTES + payload.length + padding.length;
}

/** Between payload and signature. Wire profile, section 7. */
function paddingOf(plain: Uint8Array, payloadLength: number): Uint8Array {
  const flags = plain[0] as number;
  const end = plain.length - ((flags & 0b100) === 0 ? 0 : 65);
  return plain.subarray(1 + (flags & 0b011) + payloadLength, end);
}
