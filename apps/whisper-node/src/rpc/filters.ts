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

/** What a client's filter lets through. */
export interface Criteria {
  readonly key: OpeningKey;
  /** None for all topics. */
  readonly topics: readonly Topic[];
  readonly minimumPow: number;
  /** Only messages of this signer. */
  readonly signer: PublicKey | undefined;
  /** Also envelopes sent to us alone, such as a mailserver's. */
  readonly allowP2p: boolean;
}

/** A message in JSON-RPC. */
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
  /** Most filters of one client. */
  readonly maxFiltersPerClient: number;
  /** Most topics of one filter. */
  readonly maxTopics: number;
  /** Most waiting messages of one filter. */
  readonly maxMessages: number;
  /** Most bytes of waiting messages in all filters of one client. */
  readonly maxBytesPerClient: number;
}

interface Opened {
  readonly message: RpcMessage;
  readonly signer: PublicKey | undefined;
}

class Filter {
  readonly criteria: Criteria;
  /** Filters with the same key share the attempt to open an envelope. */
  readonly keyName: string;
  readonly onMessage: ((message: RpcMessage) => void) | undefined;
  /** The client that it belongs to. */
  readonly client: string;
  /** By hash, the oldest first. */
  messages = new Map<string, RpcMessage>();
  /** Number of the last check before it was used. */
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

/** Milliseconds between two checks for unused filters, and checks after which one is removed: as in go-ethereum. */
const CHECK_MS = 60_000;
const UNUSED_CHECKS = 5;
/** Bytes of a message without payload and padding. */
const MESSAGE_BYTES = 1_000;
const ALL_TOPICS = '';
const hex = (bytes: Uint8Array) => `0x${encodeHex(bytes)}`;

/** The filters of all clients. An envelope is only opened for filters on its topic. */
export class Filters {
  readonly #crypto: CryptoProvider;
  readonly #clock: Clock;
  readonly #limits: FilterLimits;
  readonly #filters = new Map<string, Filter>();
  readonly #byTopic = new Map<string, Set<Filter>>();
  readonly #held: Quota;
  /** Bytes of waiting messages. */
  readonly #bytes: Quota;
  /** Number of checks so far: measures time however the clock is set. */
  #checks = 0;
  #cancelCleaning: () => void;

  constructor(crypto: CryptoProvider, clock: Clock, limits: FilterLimits) {
    this.#crypto = crypto;
    this.#clock = clock;
    this.#limits = limits;
    this.#held = new Quota(limits.maxFiltersPerClient);
    this.#bytes = new Quota(limits.maxBytesPerClient);
    this.#cancelCleaning = this.#scheduleCleaning();
  }

  get size(): number {
    return this.#filters.size;
  }

  /** @param onMessage receives messages; without it, they wait until they are fetched */
  install(client: string, criteria: Criteria, onMessage?: (message: RpcMessage) => void): string {
    const { maxFilters, maxFiltersPerClient, maxTopics } = this.#limits;
    if (criteria.topics.length > maxTopics) throw refused(`no more than ${maxTopics} topics in a filter`);
    if (this.#filters.size >= maxFilters)
      throw refused(`no more than ${maxFilters} filters here; delete some`);
    if (!this.#held.take(client))
      throw refused(`no more than ${maxFiltersPerClient} filters of one address; delete some`);
    const id = encodeHex(this.#crypto.randomBytes(32));
    const filter = new Filter(client, criteria, this.#checks, onMessage);
    this.#filters.set(id, filter);
    for (const topic of topicsOf(filter)) {
      const others = this.#byTopic.get(topic);
      if (others === undefined) this.#byTopic.set(topic, new Set([filter]));
      else others.add(filter);
    }
    return id;
  }

  /** @returns whether it existed */
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

  /** The messages since the last call. */
  fetch(id: string): RpcMessage[] {
    const filter = this.#filters.get(id);
    if (filter === undefined) throw refused('filter not found');
    filter.usedAt = this.#checks;
    return this.#emptied(filter);
  }

  #emptied(filter: Filter): RpcMessage[] {
    const messages = [...filter.messages.values()];
    filter.messages = new Map();
    for (const message of messages) this.#bytes.give(filter.client, bytesOf(message));
    return messages;
  }

  /** Offers an envelope to the filters on its topic. */
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

  /** `undefined` when the key is wrong, or the contents are invalid. */
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

  #scheduleCleaning(): () => void {
    return this.#clock.after(CHECK_MS, () => {
      this.#checks++;
      const since = this.#checks - UNUSED_CHECKS;
      for (const [id, filter] of [...this.#filters]) {
        if (filter.onMessage === undefined && filter.usedAt < since) this.remove(id);
      }
      this.#cancelCleaning = this.#scheduleCleaning();
    });
  }
}

function topicsOf({ criteria }: Filter): readonly string[] {
  return criteria.topics.length === 0 ? [ALL_TOPICS] : criteria.topics.map(encodeHex);
}

/** The memory of a waiting message: one byte for each character. */
function bytesOf({ payload, padding }: RpcMessage): number {
  return MESSAGE_BYTES + payload.length + padding.length;
}

/** The padding between payload and signature. Wire profile, section 7. */
function paddingOf(plain: Uint8Array, payloadLength: number): Uint8Array {
  const flags = plain[0] as number;
  const end = plain.length - ((flags & 0b100) === 0 ? 0 : 65);
  return plain.subarray(1 + (flags & 0b011) + payloadLength, end);
}
