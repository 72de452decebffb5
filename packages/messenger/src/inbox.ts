import { encodeHex, isSottoError, SottoError } from '@sotto/core';
import type { InboxRecord } from './generated/sotto/messenger/v1/storage.js';
import type { UnitOfWork } from './storage/ledger.js';
import { inboxTable } from './storage/tables.js';

/**
 * Messages that the application has not acknowledged, in order of arrival. An entry is stored in the step that
 * used its key up, handed out when that step is committed, and handed out again after a restart until it is
 * acknowledged: so none is lost and none is given twice in one run.
 */
export class Inbox {
  /** Numbers of the entries, by message id. */
  readonly #entries = new Map<string, string>();
  #next = 0;

  /** Reads what an earlier run left; oldest first. Damaged entries are reported and left where they are. */
  async load(work: UnitOfWork, onDamaged: (error: SottoError) => void): Promise<readonly InboxRecord[]> {
    const records: InboxRecord[] = [];
    const damaged = (_key: string, error: unknown) => {
      if (!isSottoError(error)) throw error;
      onDamaged(error);
    };
    for await (const { segments, value } of work.list(inboxTable, [], damaged)) {
      const number = segments[0] as string;
      this.#entries.set(encodeHex(value.messageId), number);
      this.#next = Number(number) + 1;
      records.push(value);
    }
    return records;
  }

  /** Adds an entry within a step; call {@link added} when the step is committed. */
  add(work: UnitOfWork, record: InboxRecord): string {
    const number = String(this.#next++).padStart(16, '0');
    work.put(inboxTable, record, number);
    return number;
  }

  /** Notes an entry whose step was committed. */
  added(record: InboxRecord, number: string): void {
    this.#entries.set(encodeHex(record.messageId), number);
  }

  /**
   * Deletes an entry within a step: the application is done with it.
   * @throws NOT_FOUND when there is none, or it was acknowledged before
   */
  acknowledge(work: UnitOfWork, messageId: Uint8Array): void {
    const id = encodeHex(messageId);
    const number = this.#entries.get(id);
    if (number === undefined || work.deletes(inboxTable, number)) {
      throw new SottoError('NOT_FOUND', 'No message of this id waits to be acknowledged.', {
        what: 'message',
        id,
      });
    }
    work.delete(inboxTable, number);
  }

  /** Forgets an entry whose acknowledgement was committed. */
  acknowledged(messageId: Uint8Array): void {
    this.#entries.delete(encodeHex(messageId));
  }

  /** Whether an entry waits, as a step sees it: it may have been acknowledged in the same commit. */
  has(work: UnitOfWork, messageId: Uint8Array): boolean {
    const number = this.#entries.get(encodeHex(messageId));
    return number !== undefined && !work.deletes(inboxTable, number);
  }
}
