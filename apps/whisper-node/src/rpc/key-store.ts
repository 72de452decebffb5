import { encodeHex, isSottoError, type KeyPair } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import { channelSymmetricKey } from '@sotto/whisper-transport';
import { refused } from './rpc-error.js';

const KEY_LENGTH = 32;

/** Keys that clients have given to the node or had it make, in memory, by random ids. */
export class KeyStore {
  readonly #crypto: CryptoProvider;
  readonly #most: number;
  readonly #pairs = new Map<string, KeyPair>();
  readonly #symmetric = new Map<string, Uint8Array>();

  /** @param most of each kind */
  constructor(crypto: CryptoProvider, most: number) {
    this.#crypto = crypto;
    this.#most = most;
  }

  newPair(): string {
    return this.#keep(this.#pairs, this.#crypto.secp256k1.generateKeyPair());
  }

  addPair(privateKey: Uint8Array): string {
    if (privateKey.length !== KEY_LENGTH) throw refused('invalid length, need 256 bits');
    try {
      return this.#keep(this.#pairs, this.#crypto.secp256k1.keyPairFromPrivateKey(privateKey));
    } catch (error) {
      if (!isSottoError(error, 'INVALID_PRIVATE_KEY')) throw error;
      const zero = privateKey.every((byte) => byte === 0);
      throw refused(zero ? 'invalid private key, zero or negative' : 'invalid private key, >=N');
    }
  }

  hasPair(id: string): boolean {
    return this.#pairs.has(id);
  }

  deletePair(id: string): boolean {
    return this.#pairs.delete(id);
  }

  pair(id: string): KeyPair {
    const pair = this.#pairs.get(id);
    if (pair === undefined) throw refused('invalid id');
    return pair;
  }

  newSymmetric(): string {
    return this.#keep(this.#symmetric, this.#crypto.randomBytes(KEY_LENGTH));
  }

  addSymmetric(key: Uint8Array): string {
    if (key.length !== KEY_LENGTH) throw refused(`wrong key size: ${key.length}`);
    return this.#keep(this.#symmetric, key);
  }

  addSymmetricOfPassword(password: string): string {
    return this.#keep(this.#symmetric, channelSymmetricKey(this.#crypto, password));
  }

  hasSymmetric(id: string): boolean {
    return this.#symmetric.has(id);
  }

  deleteSymmetric(id: string): boolean {
    return this.#symmetric.delete(id);
  }

  symmetric(id: string): Uint8Array {
    const key = this.#symmetric.get(id);
    if (key === undefined) throw refused('non-existent key ID');
    return key;
  }

  /** Forgets all of them. */
  clear(): void {
    this.#pairs.clear();
    this.#symmetric.clear();
  }

  #keep<Key>(keys: Map<string, Key>, key: Key): string {
    if (keys.size >= this.#most) throw refused(`no more than ${this.#most} keys here; delete some`);
    const id = encodeHex(this.#crypto.randomBytes(KEY_LENGTH));
    keys.set(id, key);
    return id;
  }
}
