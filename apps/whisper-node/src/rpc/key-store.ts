import { encodeHex, isSottoError, type KeyPair } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import { Quota } from '../limits/quota.js';
import { refused } from './rpc-error.js';

const KEY_LENGTH = 32;

export interface KeyLimits {
  /** Keys of one kind. */
  readonly most: number;
  /** Most keys of one client: those that it doesn't delete stay until the node stops. */
  readonly mostPerClient: number;
}

/** Keys that clients have added to the node or let it generate, in memory, by random ids. */
export class KeyStore {
  readonly #crypto: CryptoProvider;
  readonly #pairs: Keys<KeyPair>;
  readonly #symmetric: Keys<Uint8Array>;

  constructor(crypto: CryptoProvider, limits: KeyLimits) {
    this.#crypto = crypto;
    this.#pairs = new Keys(crypto, limits);
    this.#symmetric = new Keys(crypto, limits);
  }

  newPair(client: string): string {
    return this.#pairs.keep(client, this.#crypto.secp256k1.generateKeyPair());
  }

  addPair(client: string, privateKey: Uint8Array): string {
    if (privateKey.length !== KEY_LENGTH) throw refused('invalid length, need 256 bits');
    try {
      return this.#pairs.keep(client, this.#crypto.secp256k1.keyPairFromPrivateKey(privateKey));
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

  newSymmetric(client: string): string {
    return this.#symmetric.keep(client, this.#crypto.randomBytes(KEY_LENGTH));
  }

  addSymmetric(client: string, key: Uint8Array): string {
    if (key.length !== KEY_LENGTH) throw refused(`wrong key size: ${key.length}`);
    return this.#symmetric.keep(client, key);
  }

  /** Throws as adding a key would, before the work for it is done. */
  checkRoomForSymmetric(client: string): void {
    this.#symmetric.checkRoom(client);
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

  /** Deletes all keys. */
  clear(): void {
    this.#pairs.clear();
    this.#symmetric.clear();
  }
}

/** Keys of one kind. */
class Keys<Key> {
  readonly #crypto: CryptoProvider;
  readonly #most: number;
  readonly #mostPerClient: number;
  readonly #held: Quota;
  readonly #keys = new Map<string, { readonly key: Key; readonly client: string }>();

  constructor(crypto: CryptoProvider, { most, mostPerClient }: KeyLimits) {
    this.#crypto = crypto;
    this.#most = most;
    this.#mostPerClient = mostPerClient;
    this.#held = new Quota(mostPerClient);
  }

  keep(client: string, key: Key): string {
    this.checkRoom(client);
    this.#held.take(client);
    const id = encodeHex(this.#crypto.randomBytes(KEY_LENGTH));
    this.#keys.set(id, { key, client });
    return id;
  }

  checkRoom(client: string): void {
    if (this.#keys.size >= this.#most) throw refused(`no more than ${this.#most} keys here; delete some`);
    if (this.#held.of(client) < this.#mostPerClient) return;
    throw refused(`no more than ${this.#mostPerClient} keys of one address; delete some`);
  }

  has(id: string): boolean {
    return this.#keys.has(id);
  }

  get(id: string): Key | undefined {
    return this.#keys.get(id)?.key;
  }

  /** Deletes a key; anyone who knows its id may. @returns whether it existed */
  delete(id: string): boolean {
    const held = this.#keys.get(id);
    if (held === undefined) return false;
    this.#held.give(held.client);
    return this.#keys.delete(id);
  }

  clear(): void {
    for (const id of [...this.#keys.keys()]) this.delete(id);
  }
}
