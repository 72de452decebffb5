import { decodeHex, encodeHex, type PublicKey } from '@sotto/core';
import type { ReadTransaction, Transaction } from '@sotto/device';
import { blockedTable } from '../storage/tables.js';

/** Identities that the user blocked: what they send is dropped before anything else is done with it. */
export class Blocklist {
  readonly #blocked = new Set<string>();
  /** Those whose blocking is being stored. */
  readonly #beingBlocked = new Map<string, number>();

  async load(tx: ReadTransaction): Promise<void> {
    for (const [identity] of await tx.keys(blockedTable)) this.#blocked.add(identity as string);
  }

  has(identity: PublicKey): boolean {
    if (this.#blocked.size + this.#beingBlocked.size === 0) return false;
    const name = encodeHex(identity);
    return this.#blocked.has(name) || this.#beingBlocked.has(name);
  }

  list(): readonly PublicKey[] {
    return [...this.#blocked].toSorted().map((identity) => decodeHex(identity) as PublicKey);
  }

  /** Runs what blocks an identity. From now on it counts as blocked, so that nothing of it slips in meanwhile. */
  async while(identity: PublicKey, block: () => Promise<void>): Promise<void> {
    const name = encodeHex(identity);
    this.#beingBlocked.set(name, (this.#beingBlocked.get(name) ?? 0) + 1);
    try {
      await block();
    } finally {
      const left = (this.#beingBlocked.get(name) ?? 1) - 1;
      if (left > 0) this.#beingBlocked.set(name, left);
      else this.#beingBlocked.delete(name);
    }
  }

  block(tx: Transaction, identity: PublicKey): void {
    const name = encodeHex(identity);
    tx.put(blockedTable, new Uint8Array(0), name);
    tx.onCommit('state', () => this.#blocked.add(name));
  }

  unblock(tx: Transaction, identity: PublicKey): void {
    const name = encodeHex(identity);
    tx.delete(blockedTable, name);
    tx.onCommit('state', () => this.#blocked.delete(name));
  }
}
