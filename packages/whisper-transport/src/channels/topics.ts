import {
  type Channel,
  type ChannelKeyCache,
  copyBytes,
  encodeHex,
  encodeUtf8,
  evictOldest,
  type PublicKey,
  type Topic,
} from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import { TOPIC_LENGTH } from './topic.js';

/** Number of partitioned topics. */
const PARTITIONS = 5000;
/** Bytes of a channel key. */
const KEY_LENGTH = 32;
/** PBKDF2 rounds by which a channel key is derived from its name. Slow on purpose, so derive once. */
const KEY_ITERATIONS = 65_356;

/** The topic of a name: the first 4 bytes of its KECCAK-256. Wire profile, section 6. */
export function topicOf(crypto: CryptoProvider, name: string): Topic {
  return copyBytes(crypto.keccak256(encodeUtf8(name)).subarray(0, TOPIC_LENGTH));
}

/**
 * The symmetric key of a channel, 32 bytes: PBKDF2 of its name. It takes 20 to 150 ms; {@link ChannelKeys} caches it.
 */
export function channelSymmetricKey(crypto: CryptoProvider, name: string): Uint8Array {
  return crypto.pbkdf2Sha256(channelKeyRequest(name));
}

/** PBKDF2-HMAC-SHA-256 that does not block this thread: `CryptoProvider.pbkdf2Sha256` with a promise. */
export type Pbkdf2 = (
  request: Parameters<CryptoProvider['pbkdf2Sha256']>[0],
) => Promise<ReturnType<CryptoProvider['pbkdf2Sha256']>>;

/** The PBKDF2 parameters of {@link channelSymmetricKey}, for deriving the key elsewhere. */
export function channelKeyRequest(name: string): Parameters<Pbkdf2>[0] {
  return {
    password: encodeUtf8(name),
    salt: new Uint8Array(0),
    iterations: KEY_ITERATIONS,
    length: KEY_LENGTH,
  };
}

/** Name of the topic on which an identity publishes its bundle. */
export function contactCodeName(crypto: CryptoProvider, identity: PublicKey): string {
  return `0x${encodeHex(crypto.secp256k1.uncompressPublicKey(identity))}-contact-code`;
}

/** Name of the topic for the first message to an identity, shared with one in 5,000 identities. */
export function partitionedName(identity: PublicKey): string {
  const x = BigInt(`0x${encodeHex(identity.subarray(1))}`);
  return `contact-discovery-${x % BigInt(PARTITIONS)}`;
}

/** Name of an identity's own discovery topic, used by older clients. */
export function discoveryName(crypto: CryptoProvider, identity: PublicKey): string {
  return `contact-discovery-${encodeHex(crypto.secp256k1.uncompressPublicKey(identity))}`;
}

/** Name of the topic that two identities have negotiated: their shared secret in hex. */
export function negotiatedName(secret: Uint8Array): string {
  return encodeHex(secret);
}

/** How messages on a channel are encrypted. */
export type ChannelCipher =
  /** With the key derived from the channel's name, 32 bytes: for everyone who knows the name. */
  | { readonly kind: 'symmetric'; readonly key: Uint8Array }
  /** For one identity. */
  | { readonly kind: 'asymmetric'; readonly recipient: PublicKey };

/** A channel with its topic and keys. */
export interface ResolvedChannel {
  /** The channel itself. */
  readonly channel: Channel;
  /** 4 bytes. */
  readonly topic: Topic;
  /** How its envelopes are encrypted. */
  readonly cipher: ChannelCipher;
}

interface KnownKey {
  readonly topic: Topic;
  readonly key: Uint8Array;
  /** Its id in a `ChannelKeyCache`. */
  readonly id: string;
}

/** Bytes of the id of a key: a hash that reveals nothing of the name. */
const ID_LENGTH = 16;

/** Turns channels into topics and keys, and caches the keys, which are expensive to derive. */
export class ChannelKeys {
  readonly #crypto: CryptoProvider;
  readonly #most: number;
  readonly #keys = new Map<string, KnownKey>();
  readonly #inFlight = new Map<string, Promise<unknown>>();

  /**
   * @param most cached symmetric keys; the least recently used are dropped. Default 200,000, the conversations of a very large store:
   * 20 MB
   */
  constructor(crypto: CryptoProvider, most = 200_000) {
    this.#crypto = crypto;
    this.#most = most;
  }

  /**
   * Prepares the keys of channels for {@link resolve}: those that the cache doesn't have are derived and stored there.
   * @param pbkdf2 derives without blocking this thread
   */
  async prepare(
    channels: readonly Channel[],
    { pbkdf2, cache }: { readonly pbkdf2?: Pbkdf2 | undefined; readonly cache?: ChannelKeyCache | undefined },
  ): Promise<void> {
    const names = new Set(channels.flatMap((channel) => nameOfSymmetric(channel) ?? []));
    const missing = [...names].filter((name) => !this.#keys.has(name));
    if (missing.length === 0) return;
    if (cache !== undefined) {
      const kept = await cache.get(missing.map((name) => this.#idOf(name)));
      for (const name of missing) {
        const key = kept.get(this.#idOf(name));
        if (key?.length === KEY_LENGTH && !this.#keys.has(name)) this.#keep(name, copyBytes(key));
      }
    }
    const derive = pbkdf2 ?? (async (request) => this.#crypto.pbkdf2Sha256(request));
    await Promise.all(
      missing.map(async (name) => {
        if (this.#keys.has(name)) return;
        const deriving = this.#inFlight.get(name) ?? this.#derive(name, derive, cache);
        this.#inFlight.set(name, deriving);
        await deriving;
      }),
    );
  }

  /** Removes all keys from the cache but those of these channels. */
  async retain(channels: readonly Channel[], cache: ChannelKeyCache): Promise<void> {
    const names = channels.flatMap((channel) => nameOfSymmetric(channel) ?? []);
    await cache.retain(new Set(names.map((name) => this.#keys.get(name)?.id ?? this.#idOf(name))));
  }

  async #derive(name: string, derive: Pbkdf2, cache: ChannelKeyCache | undefined): Promise<void> {
    try {
      const key = copyBytes(await derive(channelKeyRequest(name)));
      const { id } = this.#keep(name, key);
      void cache?.put(id, copyBytes(key));
    } finally {
      this.#inFlight.delete(name);
    }
  }

  #idOf(name: string): string {
    const { password, iterations } = channelKeyRequest(name);
    const hash = this.#crypto.sha256(encodeUtf8(`key of a channel, ${iterations} rounds: `), password);
    return encodeHex(hash.subarray(0, ID_LENGTH));
  }

  /** The topic and keys of a channel. Derives a missing key, which blocks this thread. */
  resolve(channel: Channel): ResolvedChannel {
    const crypto = this.#crypto;
    switch (channel.kind) {
      case 'public':
        return { channel, ...this.#symmetric(channel.name) };
      case 'negotiated':
        return { channel, ...this.#symmetric(negotiatedName(channel.secret)) };
      case 'partitioned':
        return { channel, ...asymmetric(crypto, partitionedName(channel.recipient), channel.recipient) };
      case 'discovery':
        return {
          channel,
          ...asymmetric(crypto, discoveryName(crypto, channel.recipient), channel.recipient),
        };
    }
  }

  #symmetric(name: string): Omit<ResolvedChannel, 'channel'> {
    const known = this.#keys.get(name) ?? this.#keep(name, channelSymmetricKey(this.#crypto, name));
    this.#keys.delete(name);
    this.#keys.set(name, known);
    evictOldest(this.#keys, this.#most);
    return { topic: copyBytes(known.topic) as Topic, cipher: { kind: 'symmetric', key: known.key } };
  }

  #keep(name: string, key: Uint8Array): KnownKey {
    const known = { topic: topicOf(this.#crypto, name), key, id: this.#idOf(name) };
    this.#keys.set(name, known);
    return known;
  }
}

function nameOfSymmetric(channel: Channel): string | undefined {
  if (channel.kind === 'public') return channel.name;
  return channel.kind === 'negotiated' ? negotiatedName(channel.secret) : undefined;
}

function asymmetric(
  crypto: CryptoProvider,
  name: string,
  recipient: PublicKey,
): Omit<ResolvedChannel, 'channel'> {
  return { topic: topicOf(crypto, name), cipher: { kind: 'asymmetric', recipient } };
}
