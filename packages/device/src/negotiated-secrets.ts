import { copyBytes, type KeyPair, type PublicKey, type SharedKey } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';

/** Secrets kept: 130 MB at most. The oldest eighth is evicted when there are more. */
const MOST = 2 ** 20;
const SECRET_LENGTH = 32;
/** Secrets that share an array: one of its own would take 240 bytes. */
const BLOCK_LENGTH = 1024;

/**
 * The secrets behind the topics negotiated with peers. Wire profile, section 6. Each takes an ECDH and is needed for
 * every message, so they are cached.
 */
export class NegotiatedSecrets {
  readonly #crypto: CryptoProvider;
  readonly #identity: KeyPair;
  readonly #most: number;
  /** By identity, a character for each byte, the place of its secret in the blocks; the oldest first. */
  readonly #places = new Map<string, number>();
  readonly #blocks: Uint8Array[] = [];
  /** Places whose secrets were evicted. */
  readonly #free: number[] = [];

  /** @param most secrets kept; for tests */
  constructor(crypto: CryptoProvider, identity: KeyPair, most = MOST) {
    this.#crypto = crypto;
    this.#identity = identity;
    this.#most = most;
  }

  /** 32 bytes, fresh. */
  get(peer: PublicKey): SharedKey {
    const name = String.fromCharCode(...peer);
    const place = this.#places.get(name);
    if (place !== undefined) return copyBytes(this.#at(place)) as SharedKey;
    const secret = this.#crypto.secp256k1.ecdh(this.#identity.privateKey, peer);
    this.#keep(name, secret);
    return secret as SharedKey;
  }

  #keep(name: string, secret: Uint8Array): void {
    if (this.#places.size >= this.#most) this.#evict(Math.ceil(this.#most / 8));
    const place = this.#free.pop() ?? this.#places.size;
    this.#at(place).set(secret);
    this.#places.set(name, place);
  }

  #evict(count: number): void {
    for (const [name, place] of this.#places) {
      if (this.#free.length === count) return;
      this.#places.delete(name);
      this.#at(place).fill(0);
      this.#free.push(place);
    }
  }

  /** The bytes at a place, a view. */
  #at(place: number): Uint8Array {
    const number = Math.floor(place / BLOCK_LENGTH);
    this.#blocks[number] ??= new Uint8Array(BLOCK_LENGTH * SECRET_LENGTH);
    const from = (place % BLOCK_LENGTH) * SECRET_LENGTH;
    return this.#blocks[number].subarray(from, from + SECRET_LENGTH);
  }
}
