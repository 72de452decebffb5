import { encodeHex, type KeyPair, type PublicKey, type SharedKey } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';

/** Secrets kept; the least recently used go. As many as a sealed transport keeps keys: 4 MB at most. */
const MOST = 20_000;

/**
 * The secrets behind the topics negotiated with peers. Wire profile, section 6. Each is one ECDH, and wanted for every
 * message, so they are kept.
 */
export class NegotiatedSecrets {
  readonly #crypto: CryptoProvider;
  readonly #identity: KeyPair;
  readonly #known = new Map<string, SharedKey>();

  constructor(crypto: CryptoProvider, identity: KeyPair) {
    this.#crypto = crypto;
    this.#identity = identity;
  }

  /** 32 bytes, fresh. */
  get(peer: PublicKey): SharedKey {
    const name = encodeHex(peer);
    const secret =
      this.#known.get(name) ?? (this.#crypto.secp256k1.ecdh(this.#identity.privateKey, peer) as SharedKey);
    this.#known.delete(name);
    this.#known.set(name, secret);
    const [oldest] = this.#known.keys();
    if (this.#known.size > MOST && oldest !== undefined) this.#known.delete(oldest);
    return secret.slice() as SharedKey;
  }
}
