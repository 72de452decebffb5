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
  readonly #entries = new Map<string, { readonly number: string; readonly bytes: number }>();
  #bytes = 0;
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
      this.added(value, number);
      this.#next = Number(number) + 1;
      records.push(value);
    }
    return records;
  }

  /**
   * Adds an entry within a step; call {@link added} when the step is committed.
   * @param most bytes of the payloads of all entries
   * @param request it is of somebody whom the user hasn't let in: such fill half of it at most
   * @throws STORE_UNAVAILABLE when more would wait: the message stays with the transport; LIMIT_EXCEEDED likewise, for a
   *   request, which is dropped
   */
  add(work: UnitOfWork, record: InboxRecord, most = Number.POSITIVE_INFINITY, request = false): string {
    const bytes = this.#bytes + record.payload.length;
    const limit = request ? most / 2 : most;
    if (bytes > limit) {
      const message = 'Too much waits for the application to acknowledge it.';
      throw request
        ? new SottoError('LIMIT_EXCEEDED', message, { what: 'bytes in the inbox', limit, actual: bytes })
        : new SottoError('STORE_UNAVAILABLE', message, { reason: 'the inbox is full' });
    }
    const number = String(this.#next++).padStart(16, '0');
    work.put(inboxTable, record, number);
    return number;
  }

  /** Notes an entry whose step was committed. */
  added(record: InboxRecord, number: string): void {
    const bytes = record.payload.length;
    this.#entries.set(encodeHex(record.messageId), { number, bytes });
    this.#bytes += bytes;
  }

  /**
   * Deletes an entry within a step: the application is done with it.
   * @throws NOT_FOUND when there is none, or it was acknowledged before
   */
  acknowledge(work: UnitOfWork, messageId: Uint8Array): void {
    const id = encodeHex(messageId);
    const number = this.#entries.get(id)?.number;
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
    const id = encodeHex(messageId);
    this.#bytes -= this.#entries.get(id)?.bytes ?? 0;
    this.#entries.delete(id);
  }

  /** Whether an entry waits, as a step sees it: it may have been acknowledged in the same commit. */
  has(work: UnitOfWork, messageId: Uint8Array): boolean {
    const number = this.#entries.get(encodeHex(messageId))?.number;
    return number !== undefined && !work.deletes(inboxTable, number);
  }
}
