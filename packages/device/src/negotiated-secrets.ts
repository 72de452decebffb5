import { copyBytes, encodeHex, type KeyPair, LruCache, type PublicKey, type SharedKey } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';

/** Secrets kept; the least recently used are evicted. As many as a sealed transport keeps keys: 40 MB at most. */
const MOST = 200_000;

/**
 * The secrets behind the topics negotiated with peers. Wire profile, section 6. Each takes an ECDH and is needed for
 * every message, so they are cached.
 */
export class NegotiatedSecrets {
  readonly #crypto: CryptoProvider;
  readonly #identity: KeyPair;
  readonly #known = new LruCache<string, SharedKey>(MOST);

  constructor(crypto: CryptoProvider, identity: KeyPair) {
    this.#crypto = crypto;
    this.#identity = identity;
  }

  /** 32 bytes, fresh. */
  get(peer: PublicKey): SharedKey {
    const { secp256k1 } = this.#crypto;
    const agree = () => secp256k1.ecdh(this.#identity.privateKey, peer) as SharedKey;
    return copyBytes(this.#known.getOrCreate(encodeHex(peer), agree)) as SharedKey;
  }
}
