import {
  type Channel,
  type ChannelKeyCache,
  copyBytes,
  encodeHex,
  encodeUtf8,
  forgetOldest,
  type PublicKey,
  type Topic,
} from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import { TOPIC_LENGTH } from './topic.js';

/** Partitioned topics there are. */
const PARTITIONS = 5000;
/** Bytes of the key of a channel. */
const KEY_LENGTH = 32;
/** Rounds by which the key of a channel is derived from its name. Slow on purpose, so derive once. */
const KEY_ITERATIONS = 65_356;

/** The topic of a name: the first 4 bytes of its KECCAK-256. Wire profile, section 6. */
export function topicOf(crypto: CryptoProvider, name: string): Topic {
  return copyBytes(crypto.keccak256(encodeUtf8(name)).subarray(0, TOPIC_LENGTH));
}

/**
 * The symmetric key of a channel, 32 bytes: PBKDF2 of its name. Takes 20 to 150 ms; {@link ChannelKeys} keeps it.
 */
export function channelSymmetricKey(crypto: CryptoProvider, name: string): Uint8Array {
  return crypto.pbkdf2Sha256(channelKeyRequest(name));
}

/** PBKDF2-HMAC-SHA-256 that doesn't hold up this thread: `CryptoProvider.pbkdf2Sha256`, with a promise. */
export type Pbkdf2 = (
  request: Parameters<CryptoProvider['pbkdf2Sha256']>[0],
) => Promise<ReturnType<CryptoProvider['pbkdf2Sha256']>>;

/** What {@link channelSymmetricKey} asks of PBKDF2, for whoever derives it elsewhere. */
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

/** Name of the topic on which an identity is written to first, shared with one in 5000 others. */
export function partitionedName(identity: PublicKey): string {
  const x = BigInt(`0x${encodeHex(identity.subarray(1))}`);
  return `contact-discovery-${x % BigInt(PARTITIONS)}`;
}

/** Name of an identity's own discovery topic, as older clients use it. */
export function discoveryName(crypto: CryptoProvider, identity: PublicKey): string {
  return `contact-discovery-${encodeHex(crypto.secp256k1.uncompressPublicKey(identity))}`;
}

/** Name of the topic that two identities negotiated: their shared secret in hex. */
export function negotiatedName(secret: Uint8Array): string {
  return encodeHex(secret);
}

/** How what goes by a channel is encrypted. */
export type ChannelCipher =
  /** With the key of the name, 32 bytes: for everyone who knows it. */
  | { readonly kind: 'symmetric'; readonly key: Uint8Array }
  /** For one identity. */
  | { readonly kind: 'asymmetric'; readonly recipient: PublicKey };

/** A channel as the network knows it. */
export interface ResolvedChannel {
  readonly channel: Channel;
  /** 4 bytes. */
  readonly topic: Topic;
  readonly cipher: ChannelCipher;
}

interface KnownKey {
  readonly topic: Topic;
  readonly key: Uint8Array;
  /** What it is kept under elsewhere. */
  readonly id: string;
}

/** Bytes of the id of a key, of a hash that tells nothing of the name. */
const ID_LENGTH = 16;

/** Turns channels into topics and keys, and keeps what was expensive to derive. */
export class ChannelKeys {
  readonly #crypto: CryptoProvider;
  readonly #most: number;
  readonly #keys = new Map<string, KnownKey>();
  readonly #inFlight = new Map<string, Promise<unknown>>();

  /** @param most symmetric keys kept; the least recently used go. Default 200,000, the conversations of a
   * very large store: 20 MB. */
  constructor(crypto: CryptoProvider, most = 200_000) {
    this.#crypto = crypto;
    this.#most = most;
  }

  /**
   * Has ready what {@link resolve} will want of these channels: what the cache doesn't have is derived, and put there.
   * @param pbkdf2 derives without holding up this thread
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

  /** Tells the cache that it need keep no others than the keys of these channels. */
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
    forgetOldest(this.#keys, this.#most);
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
