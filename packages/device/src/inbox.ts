import { encodeHex, isSottoError, SottoError } from '@sotto/core';
import { type InboxMessage, receivedTable } from './storage/received-table.js';
import type { Table } from './storage/table.js';
import type { ReadTransaction, Transaction } from './storage/transaction.js';

/** Default of {@link InboxOptions.maxBytes}: 64 MiB, enough for weeks without the application. */
const MAX_BYTES = 64 * 1024 * 1024;

/** What every entry of an inbox needs. */
export interface InboxEntry {
  /** Id of the message, 32 bytes. */
  readonly messageId: Uint8Array;
  /** Its length counts against the cap. */
  readonly payload: Uint8Array;
}

/**
 * Messages that the application has not acknowledged, in order of arrival. Each is stored in the transaction that used up
 * its message key, delivered after the commit, and redelivered after each restart until it is acknowledged: none is lost,
 * and none is delivered twice in one run.
 */
export interface Inbox<T extends InboxEntry> {
  /** Reads what an earlier run left, oldest first. Damaged entries are reported, and stay where they are. */
  load(tx: ReadTransaction, onDamaged: (error: SottoError) => void): Promise<readonly T[]>;

  /**
   * Adds an entry.
   * @param isRequest whether the user hasn't accepted the sender: requests fill at most half of the inbox. Default false
   * @throws STORE_UNAVAILABLE when the inbox is full: the transport keeps the message. For a request LIMIT_EXCEEDED: it is
   *   dropped
   */
  add(tx: Transaction, entry: T, isRequest?: boolean): void;

  /** Replaces the entry with the same id. @throws NOT_FOUND when there is none */
  replace(tx: Transaction, entry: T): void;

  /**
   * Acknowledges an entry, which deletes it.
   * @throws NOT_FOUND when there is none, or it was acknowledged before
   */
  acknowledge(tx: Transaction, messageId: Uint8Array): void;

  /** Whether a transaction sees an entry: one acknowledged in the same group commit is gone already. */
  has(tx: ReadTransaction, messageId: Uint8Array): boolean;
}

/** What {@link createInbox} takes. */
export interface InboxOptions {
  /** Most bytes of payloads; further messages are refused. Default 64 MiB: enough for weeks without the application. */
  readonly maxBytes?: number | undefined;
}

/** Creates the inbox of a device's store; one for each store. Call `load` before anything else. */
export function createInbox({ maxBytes = MAX_BYTES }: InboxOptions = {}): Inbox<InboxMessage> {
  return createInboxOf(receivedTable, maxBytes);
}

/** An inbox over any table. @param maxBytes most bytes of payloads in all entries */
export function createInboxOf<T extends InboxEntry>(table: Table<T>, maxBytes: number): Inbox<T> {
  return new StoredInbox(table, maxBytes);
}

class StoredInbox<T extends InboxEntry> implements Inbox<T> {
  readonly #table: Table<T>;
  readonly #maxBytes: number;
  /** Numbers of the entries, by message id. */
  readonly #entries = new Map<string, { readonly number: string; readonly bytes: number }>();
  #bytes = 0;
  #next = 0;

  constructor(table: Table<T>, maxBytes: number) {
    this.#table = table;
    this.#maxBytes = maxBytes;
  }

  async load(tx: ReadTransaction, onDamaged: (error: SottoError) => void): Promise<readonly T[]> {
    this.#entries.clear();
    this.#bytes = 0;
    const entries: T[] = [];
    const damaged = (_key: string, error: unknown) => {
      if (!isSottoError(error)) throw error;
      onDamaged(error);
    };
    for await (const { segments, value } of tx.list(this.#table, [], damaged)) {
      const number = segments[0] as string;
      this.#added(value, number);
      this.#next = Number(number) + 1;
      entries.push(value);
    }
    return entries;
  }

  add(tx: Transaction, entry: T, isRequest = false): void {
    const actual = this.#bytes + entry.payload.length;
    const limit = isRequest ? this.#maxBytes / 2 : this.#maxBytes;
    if (actual > limit) {
      const message = 'Too many messages wait to be acknowledged by the application.';
      throw isRequest
        ? new SottoError('LIMIT_EXCEEDED', message, { what: 'bytes in the inbox', limit, actual })
        : new SottoError('STORE_UNAVAILABLE', message, { reason: 'the inbox is full' });
    }
    const number = String(this.#next++).padStart(16, '0');
    tx.put(this.#table, entry, number);
    tx.onCommit('state', () => this.#added(entry, number));
  }

  replace(tx: Transaction, entry: T): void {
    tx.put(this.#table, entry, this.#numberOf(tx, entry.messageId));
  }

  acknowledge(tx: Transaction, messageId: Uint8Array): void {
    const id = encodeHex(messageId);
    tx.delete(this.#table, this.#numberOf(tx, messageId));
    tx.onCommit('state', () => {
      this.#bytes -= this.#entries.get(id)?.bytes ?? 0;
      this.#entries.delete(id);
    });
  }

  has(tx: ReadTransaction, messageId: Uint8Array): boolean {
    const number = this.#entries.get(encodeHex(messageId))?.number;
    return number !== undefined && !tx.deletes(this.#table, number);
  }

  #added(entry: T, number: string): void {
    const bytes = entry.payload.length;
    this.#entries.set(encodeHex(entry.messageId), { number, bytes });
    this.#bytes += bytes;
  }

  #numberOf(tx: ReadTransaction, messageId: Uint8Array): string {
    const id = encodeHex(messageId);
    const number = this.#entries.get(id)?.number;
    if (number === undefined || tx.deletes(this.#table, number)) {
      throw new SottoError('NOT_FOUND', 'No message with this id waits to be acknowledged.', {
        what: 'message',
        id,
      });
    }
    return number;
  }
}
