import { setTimeout as pause } from 'node:timers/promises';
import { type CryptoProvider, decodeHex, encodeHex, encodeUtf8 } from '@sotto/core';
import type { Geth } from './geth.js';

/** Milliseconds between two polls of a filter. */
const POLL = 50;

/** A party that uses a go-ethereum node by its JSON-RPC API, with a key that is stored there. */
export class GethParty {
  readonly #geth: Geth;
  readonly #crypto: CryptoProvider;
  readonly #keyId: string;
  /** 33 bytes. */
  readonly publicKey: Uint8Array;

  private constructor(geth: Geth, crypto: CryptoProvider, keyId: string, publicKey: Uint8Array) {
    this.#geth = geth;
    this.#crypto = crypto;
    this.#keyId = keyId;
    this.publicKey = publicKey;
  }

  static async create(geth: Geth, crypto: CryptoProvider): Promise<GethParty> {
    const keyId = (await geth.call('shh_newKeyPair')) as string;
    const publicKey = decodeHex((await geth.call('shh_getPublicKey', keyId)) as string);
    return new GethParty(geth, crypto, keyId, crypto.secp256k1.parsePublicKey(publicKey));
  }

  /** Its public key in hex, 33 bytes. */
  get id(): string {
    return encodeHex(this.publicKey);
  }

  /** Subscribes to messages encrypted with a key of 32 bytes. @returns the id of the filter */
  async listen(
    name: string,
    key: Uint8Array,
    options: { readonly allowP2P?: boolean } = {},
  ): Promise<string> {
    const symKeyID = await this.#symmetric(key);
    return this.#filter({ symKeyID, topics: [this.#topic(name)], ...options });
  }

  /** Subscribes to messages encrypted to its own key. */
  listenAsRecipient(name: string): Promise<string> {
    return this.#filter({ privateKeyID: this.#keyId, topics: [this.#topic(name)] });
  }

  async post(name: string, key: Uint8Array, text: string): Promise<void> {
    await this.#post({ symKeyID: await this.#symmetric(key), topic: this.#topic(name) }, text);
  }

  /** @param recipient 33 bytes */
  async postTo(name: string, recipient: Uint8Array, text: string): Promise<void> {
    const pubKey = `0x${encodeHex(this.#crypto.secp256k1.uncompressPublicKey(recipient))}`;
    await this.#post({ pubKey, topic: this.#topic(name) }, text);
  }

  /** Resolves when a filter has received so many messages: texts, each with its signer in hex. */
  async receive(filter: string, count: number): Promise<{ payload: string; signer: string }[]> {
    const received: { payload: string; signer: string }[] = [];
    for (;;) {
      const messages = (await this.#geth.call('shh_getFilterMessages', filter)) as {
        readonly payload: string;
        readonly sig: string;
      }[];
      for (const { payload, sig } of messages) {
        received.push({
          payload: new TextDecoder().decode(decodeHex(payload)),
          signer: encodeHex(this.#crypto.secp256k1.parsePublicKey(decodeHex(sig))),
        });
      }
      if (received.length >= count) return received;
      await pause(POLL);
    }
  }

  #symmetric(key: Uint8Array): Promise<unknown> {
    return this.#geth.call('shh_addSymKey', `0x${encodeHex(key)}`);
  }

  async #filter(criteria: object): Promise<string> {
    return (await this.#geth.call('shh_newMessageFilter', criteria)) as string;
  }

  async #post(how: object, text: string): Promise<void> {
    const payload = `0x${encodeHex(encodeUtf8(text))}`;
    await this.#geth.call('shh_post', {
      ...how,
      sig: this.#keyId,
      payload,
      ttl: 15,
      powTime: 5,
      powTarget: 0.2,
    });
  }

  #topic(name: string): string {
    return `0x${encodeHex(this.#crypto.keccak256(encodeUtf8(name)).subarray(0, 4))}`;
  }
}
