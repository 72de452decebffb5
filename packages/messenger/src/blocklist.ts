import { decodeHex, encodeHex, type PublicKey } from '@sotto/core';
import type { Effects } from './effects.js';
import type { UnitOfWork } from './storage/ledger.js';
import { blockedTable } from './storage/tables.js';

/** Identities that the user blocked: what they send is dropped before anything else is done with it. */
export class Blocklist {
  readonly #blocked = new Set<string>();

  async load(work: UnitOfWork): Promise<void> {
    for (const [identity] of await work.keys(blockedTable)) this.#blocked.add(identity as string);
  }

  has(identity: PublicKey): boolean {
    return this.#blocked.size > 0 && this.#blocked.has(encodeHex(identity));
  }

  list(): readonly PublicKey[] {
    return [...this.#blocked].toSorted().map((identity) => decodeHex(identity) as PublicKey);
  }

  block(work: UnitOfWork, effects: Effects, identity: PublicKey): void {
    const name = encodeHex(identity);
    work.put(blockedTable, new Uint8Array(0), name);
    effects.after.push(() => this.#blocked.add(name));
  }

  unblock(work: UnitOfWork, effects: Effects, identity: PublicKey): void {
    const name = encodeHex(identity);
    work.delete(blockedTable, name);
    effects.after.push(() => this.#blocked.delete(name));
  }
}
