import {
  compareBytes,
  concatBytes,
  copyBytes,
  encodeHex,
  encodeUtf8,
  type KeyPair,
  LruCache,
  type PublicKey,
} from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import type { NegotiatedSecrets } from '../negotiated-secrets.js';

const LABEL = encodeUtf8('sotto sealed sender v1');
const KEY_LENGTH = 32;
const DAY_MS = 24 * 60 * 60_000;
/** Days that 4 bytes can count. */
const DAYS_MOST = 2 ** 32;
/** Keys kept, each of one direction and day; the least recently used are evicted, and derived again when needed: 300 KB. */
export const SEALING_KEYS_MOST = 1024;

/** What seals the messages from one identity to another on one day. Both identities can derive it, and nobody else. */
export interface SealingKey {
  /** The pseudonym: signs the envelopes. */
  readonly signer: KeyPair;
  /** Encrypts what is in them, 32 bytes. */
  readonly key: Uint8Array;
}

/** Who writes to whom. */
export interface Direction {
  readonly sender: PublicKey;
  readonly recipient: PublicKey;
}

/** The number of a day: days since the epoch, 0 for a time before it. @param time milliseconds since the epoch */
export function sealingDay(time: number): number {
  return Math.min(Math.max(0, Math.floor(time / DAY_MS)), DAYS_MOST - 1);
}

/** Derives the keys of sealed messages from the secret that two identities share. Wire profile, section 11. */
export class SealingKeys {
  readonly #crypto: CryptoProvider;
  readonly #negotiated: NegotiatedSecrets;
  readonly #identity: PublicKey;
  readonly #known = new LruCache<string, SealingKey>(SEALING_KEYS_MOST);

  constructor(crypto: CryptoProvider, identity: PublicKey, negotiated: NegotiatedSecrets) {
    this.#crypto = crypto;
    this.#identity = identity;
    this.#negotiated = negotiated;
  }

  /**
   * The key of a direction on a day. One of the two is our own identity; the keys belong to the cache.
   * @param day see {@link sealingDay}
   */
  get({ sender, recipient }: Direction, day: number): SealingKey {
    const isOurs = compareBytes(sender, this.#identity) === 0;
    const peer = isOurs ? recipient : sender;
    return this.#known.getOrCreate(`${isOurs ? 'to' : 'from'} ${encodeHex(peer)} ${day}`, () => {
      const bytes = this.#crypto.hkdfSha256({
        inputKey: this.#negotiated.get(peer),
        salt: new Uint8Array(0),
        info: concatBytes(LABEL, sender, recipient, dayBytes(day)),
        length: 2 * KEY_LENGTH,
      });
      return {
        signer: this.#crypto.secp256k1.keyPairFromPrivateKey(bytes.subarray(0, KEY_LENGTH)),
        key: copyBytes(bytes.subarray(KEY_LENGTH)),
      };
    });
  }
}

/** BE32. */
export function dayBytes(day: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, day);
  return bytes;
}
