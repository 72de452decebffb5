import { encodeHex, type KeyPair } from '@sotto/core';
import type { JsonRpcClient } from '../json-rpc/client.js';
import { invalidAnswer } from '../json-rpc/message.js';
import { isForgotten } from '../json-rpc/refusal.js';
import { inParallel } from './in-parallel.js';

/** Most symmetric keys on the node; the least recently used are removed. Channels that are only written to need one each. */
const KEYS_MOST = 1_000;

/** Our keys on a node, by the ids that it gave them. */
export class NodeKeys {
  readonly #rpc: JsonRpcClient;
  readonly #identity: KeyPair;
  #identityId: Promise<string> | undefined;
  /** Ids by key in hex, the least recently used first. */
  readonly #symmetric = new Map<string, Promise<string>>();

  constructor(rpc: JsonRpcClient, identity: KeyPair) {
    this.#rpc = rpc;
    this.#identity = identity;
  }

  /** The node's id of our identity key; adds the key if necessary. */
  identity(): Promise<string> {
    this.#identityId ??= this.#add('shh_addPrivateKey', this.#identity.privateKey);
    const id = this.#identityId;
    id.catch(() => {
      if (this.#identityId === id) this.#identityId = undefined;
    });
    return id;
  }

  /** The node's id of a symmetric key of 32 bytes; adds the key if necessary. */
  async symmetric(key: Uint8Array): Promise<string> {
    const name = encodeHex(key);
    const id = this.#symmetric.get(name) ?? this.#add('shh_addSymKey', key);
    this.#symmetric.delete(name);
    this.#symmetric.set(name, id);
    id.catch(() => {
      if (this.#symmetric.get(name) === id) this.#symmetric.delete(name);
    });
    await this.#removeOldest();
    return id;
  }

  /** Asks the node which keys it still has, and forgets the ids of the others. */
  async verify(): Promise<void> {
    const identityId = this.#identityId;
    if (identityId !== undefined && !(await this.#has('shh_hasKeyPair', identityId))) {
      this.#identityId = undefined;
    }
    await inParallel(this.#symmetric, async ([name, id]) => {
      if (!(await this.#has('shh_hasSymKey', id))) this.#symmetric.delete(name);
    });
  }

  /** Removes every key from the node. */
  async removeAll(): Promise<void> {
    const symmetric = [...this.#symmetric.values()];
    const identityId = this.#identityId;
    this.#symmetric.clear();
    this.#identityId = undefined;
    // The identity first: it matters most.
    if (identityId !== undefined) await this.#remove('shh_deleteKeyPair', identityId);
    await inParallel(symmetric, (id) => this.#remove('shh_deleteSymKey', id));
  }

  async #removeOldest(): Promise<void> {
    const [oldest] = this.#symmetric;
    if (this.#symmetric.size <= KEYS_MOST || oldest === undefined) return;
    this.#symmetric.delete(oldest[0]);
    await this.#remove('shh_deleteSymKey', oldest[1]);
  }

  async #add(method: string, key: Uint8Array): Promise<string> {
    const id = await this.#rpc.call(method, [`0x${encodeHex(key)}`]);
    if (typeof id !== 'string' || id === '') throw invalidAnswer(`no id in its answer to ${method}`);
    return id;
  }

  async #has(method: string, id: Promise<string>): Promise<boolean> {
    let known: string;
    try {
      known = await id;
    } catch {
      return false;
    }
    return (await this.#rpc.call(method, [known])) === true;
  }

  async #remove(method: string, id: Promise<string>): Promise<void> {
    let known: string;
    try {
      known = await id;
    } catch {
      return;
    }
    try {
      await this.#rpc.call(method, [known]);
    } catch (error) {
      // Gone already; another client with the same identity may have removed it.
      if (isForgotten(error)) return;
      throw error;
    }
  }
}
