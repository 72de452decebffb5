import { compareBytes, type NameResolution, type PublicKey, SottoError } from '@sotto/core';
import type { ReadTransaction, Transaction } from '@sotto/device';
import { storedNow } from '@sotto/device/internal';
import type { MessengerContext } from '../runtime/context.js';
import type { PinnedName } from '../runtime/results.js';
import { type NameRecord, nameTable } from './tables.js';

const NO_KEY = new Uint8Array(0);

/** Names that were looked up, each pinned to the identity of its first use. */
export class Names {
  readonly #context: MessengerContext;

  constructor(context: MessengerContext) {
    this.#context = context;
  }

  async get(tx: ReadTransaction, name: string): Promise<PinnedName | undefined> {
    const record = await tx.get(nameTable, name);
    return record && describe(name, record);
  }

  async list(tx: ReadTransaction): Promise<readonly PinnedName[]> {
    const found: PinnedName[] = [];
    for await (const { segments, value } of tx.list(nameTable, [], () => {})) {
      found.push(describe(segments[0] as string, value));
    }
    return found;
  }

  /**
   * Takes note of what a name points to: pins it at first use, and reports when it points to somebody else later.
   * @returns the name as it stands; `undefined` when it points to nobody, and never did
   */
  async note(tx: Transaction, resolution: NameResolution): Promise<PinnedName | undefined> {
    const { name } = resolution;
    const record = await tx.get(nameTable, name);
    if (resolution.state === 'absent') return record && describe(name, record);
    const { identity } = resolution;
    if (record === undefined) return this.#put(tx, name, newRecord(identity, this.#context));
    if (isSame(record.identity, identity)) {
      // It points back to whom it is pinned to: nothing is to be decided, and a later change is one.
      if (record.changedTo.length === 0 && record.declined.length === 0) return describe(name, record);
      return this.#put(tx, name, { ...record, changedTo: NO_KEY, declined: NO_KEY });
    }
    if (isSame(record.declined, identity) || isSame(record.changedTo, identity))
      return describe(name, record);
    const changed = this.#put(tx, name, { ...record, changedTo: identity });
    this.#context.events.emitOnCommit(tx, 'nameChanged', changed);
    return changed;
  }

  /**
   * Stores the user's answer: which of the two identities a name stands for.
   * @throws NOT_FOUND when the name isn't pinned, or that identity is neither of the two
   */
  async pin(tx: Transaction, name: string, identity: PublicKey): Promise<PinnedName> {
    const record = await tx.get(nameTable, name);
    if (record !== undefined && isSame(record.identity, identity)) {
      const declined = record.changedTo.length > 0 ? record.changedTo : record.declined;
      return this.#put(tx, name, { ...record, changedTo: NO_KEY, declined });
    }
    if (record === undefined || !(isSame(record.changedTo, identity) || isSame(record.declined, identity))) {
      throw new SottoError('NOT_FOUND', 'The name was not seen to point to this identity.', {
        what: 'name',
        id: name,
      });
    }
    return this.#put(tx, name, newRecord(identity, this.#context));
  }

  forget(tx: Transaction, name: string): void {
    tx.delete(nameTable, name);
  }

  #put(tx: Transaction, name: string, record: NameRecord): PinnedName {
    tx.put(nameTable, record, name);
    return describe(name, record);
  }
}

function newRecord(identity: PublicKey, { settings }: MessengerContext): NameRecord {
  return { identity, pinnedAt: storedNow(settings.clock), changedTo: NO_KEY, declined: NO_KEY };
}

function describe(name: string, { identity, pinnedAt, changedTo }: NameRecord): PinnedName {
  return {
    name,
    identity: identity as PublicKey,
    pinnedAt: Number(pinnedAt),
    changedTo: changedTo.length > 0 ? (changedTo as PublicKey) : undefined,
  };
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return compareBytes(a, b) === 0;
}
