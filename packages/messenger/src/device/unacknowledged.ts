import { encodeHex, isSottoError, SottoError } from '@sotto/core';
import type { InboxRecord } from '../generated/sotto/messenger/v1/storage.js';
import { inboxTable } from '../storage/tables.js';
import type { ReadTransaction, Transaction } from '../storage/transaction.js';

/**
 * Messages that the application has not acknowledged, in order of arrival. One is stored in the transaction that used its
 * key up and handed out after the commit, and handed out again after a restart until it is acknowledged: so none is lost,
 * and none is handed out twice in one run.
 */
export class UnacknowledgedMessages {
  /** Numbers of the entries, by message id. */
  readonly #entries = new Map<string, { readonly number: string; readonly bytes: number }>();
  #bytes = 0;
  #next = 0;

  /** Reads what an earlier run left; oldest first. Damaged entries are reported and left where they are. */
  async load(tx: ReadTransaction, onDamaged: (error: SottoError) => void): Promise<readonly InboxRecord[]> {
    this.#entries.clear();
    this.#bytes = 0;
    const records: InboxRecord[] = [];
    const damaged = (_key: string, error: unknown) => {
      if (!isSottoError(error)) throw error;
      onDamaged(error);
    };
    for await (const { segments, value } of tx.list(inboxTable, [], damaged)) {
      const number = segments[0] as string;
      this.#added(value, number);
      this.#next = Number(number) + 1;
      records.push(value);
    }
    return records;
  }

  /**
   * Adds an entry.
   * @param maxBytes of the payloads of all entries
   * @param request it is from somebody whom the user hasn't let in: requests fill half of it at most
   * @throws STORE_UNAVAILABLE when more would wait: the message stays with the transport. For a request LIMIT_EXCEEDED: it
   *   is dropped
   */
  add(tx: Transaction, record: InboxRecord, maxBytes = Number.POSITIVE_INFINITY, request = false): void {
    const bytes = this.#bytes + record.payload.length;
    const limit = request ? maxBytes / 2 : maxBytes;
    if (bytes > limit) {
      const message = 'Too much waits for the application to acknowledge it.';
      throw request
        ? new SottoError('LIMIT_EXCEEDED', message, { what: 'bytes in the inbox', limit, actual: bytes })
        : new SottoError('STORE_UNAVAILABLE', message, { reason: 'the inbox is full' });
    }
    const number = String(this.#next++).padStart(16, '0');
    tx.put(inboxTable, record, number);
    tx.onCommit('state', () => this.#added(record, number));
  }

  #added(record: InboxRecord, number: string): void {
    const bytes = record.payload.length;
    this.#entries.set(encodeHex(record.messageId), { number, bytes });
    this.#bytes += bytes;
  }

  /**
   * Deletes an entry: the application is done with it.
   * @throws NOT_FOUND when there is none, or it was acknowledged before
   */
  acknowledge(tx: Transaction, messageId: Uint8Array): void {
    const id = encodeHex(messageId);
    const number = this.#entries.get(id)?.number;
    if (number === undefined || tx.deletes(inboxTable, number)) {
      throw new SottoError('NOT_FOUND', 'No message of this id waits to be acknowledged.', {
        what: 'message',
        id,
      });
    }
    tx.delete(inboxTable, number);
    tx.onCommit('state', () => {
      this.#bytes -= this.#entries.get(id)?.bytes ?? 0;
      this.#entries.delete(id);
    });
  }

  /** Whether an entry waits, as a transaction sees it: it may have been acknowledged in the same group commit. */
  has(tx: ReadTransaction, messageId: Uint8Array): boolean {
    const number = this.#entries.get(encodeHex(messageId))?.number;
    return number !== undefined && !tx.deletes(inboxTable, number);
  }
}
