import {
  copyBytes,
  isBytes,
  type ListOptions,
  type Revision,
  SottoError,
  STORE_KEY_MAX_LENGTH,
  STORE_VALUE_MAX_BYTES,
  type Store,
  type StoreCommitOptions,
  type StoredEntry,
  type StoredRecord,
  type Write,
} from '@sotto/core';
import type { StoreFixture } from '../src/store.js';

/** What a place keeps while no store is open there. */
export class Disk {
  records = new Map<string, StoredRecord>();
  revision = 0;
  locked = false;
}

/**
 * The plainest store that keeps every promise. Its parts are methods so that a test can break one of them on
 * purpose and leave the rest as it is.
 */
export class ReferenceStore implements Store {
  closed = false;
  constructor(protected readonly disk: Disk) {}

  async get(key: string): Promise<StoredRecord | undefined> {
    this.checkOpen();
    this.checkKey(key);
    const record = this.disk.records.get(key);
    return record && { ...record, value: this.copyOut(record.value) };
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<StoredEntry, void> {
    if (prefix !== '') this.checkKey(prefix);
    if (options.after) this.checkKey(options.after);
    const { limit = Number.POSITIVE_INFINITY } = options;
    if (!(limit >= 0) || (Number.isFinite(limit) && !Number.isInteger(limit))) throw invalid('limit');
    this.checkOpen();
    for (const [key, record] of this.snapshot(prefix, options.after ?? '').slice(0, limit)) {
      this.checkSignal(options.signal);
      this.checkOpen();
      yield { key, ...record, value: this.copyOut(record.value) };
    }
    this.checkSignal(options.signal);
  }

  async commit(writes: readonly Write[], options: StoreCommitOptions = {}): Promise<Revision> {
    this.checkWrites(writes);
    this.checkSignal(options.signal);
    this.checkOpen();
    this.checkExpectations(writes);
    const revision = this.nextRevision(writes);
    for (const write of writes) this.apply(write, revision);
    return revision;
  }

  async sync(): Promise<void> {
    this.checkOpen();
  }

  async compact(): Promise<void> {
    this.checkOpen();
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    this.disk.locked = false;
  }

  protected checkOpen(): void {
    if (this.closed) throw new SottoError('CLOSED', 'closed', { what: 'store' });
  }

  protected checkSignal(signal: AbortSignal | undefined): void {
    if (signal?.aborted) throw new SottoError('ABORTED', 'aborted', { what: 'call' });
  }

  protected checkKey(key: string): void {
    if (typeof key !== 'string' || key === '' || key.length > STORE_KEY_MAX_LENGTH) throw invalid('key');
    if (!/^[ -~]+$/.test(key)) throw invalid('key');
  }

  protected checkWrites(writes: readonly Write[]): void {
    for (const { type, key, expect, ...rest } of writes) {
      this.checkKey(key);
      if (!['put', 'delete', 'check'].includes(type)) throw invalid('type');
      if (type === 'check' && expect === undefined) throw invalid('expect');
      if (expect !== undefined && expect !== 'absent' && !(Number.isInteger(expect) && expect > 0)) {
        throw invalid('expect');
      }
      if (type === 'put') this.checkValue((rest as { value?: unknown }).value);
    }
    if (new Set(writes.map(({ key }) => key)).size < writes.length) throw invalid('writes');
  }

  protected checkValue(value: unknown): void {
    if (!isBytes(value)) throw invalid('value');
    if (value.length > STORE_VALUE_MAX_BYTES) {
      const details = { what: 'value', limit: STORE_VALUE_MAX_BYTES, actual: value.length };
      throw new SottoError('LIMIT_EXCEEDED', 'too large', details);
    }
  }

  protected checkExpectations(writes: readonly Write[]): void {
    for (const { key, expect } of writes) {
      if (expect !== undefined && expect !== (this.disk.records.get(key)?.revision ?? 'absent')) {
        throw new SottoError('STORE_CONFLICT', 'stale', { key });
      }
    }
  }

  protected snapshot(prefix: string, after: string): [string, StoredRecord][] {
    return this.order([...this.disk.records].filter(([key]) => key.startsWith(prefix) && key > after));
  }

  protected order(entries: [string, StoredRecord][]): [string, StoredRecord][] {
    return entries.sort(([a], [b]) => (a < b ? -1 : 1));
  }

  protected nextRevision(_writes: readonly Write[]): Revision {
    return ++this.disk.revision;
  }

  protected apply(write: Write, revision: Revision): void {
    if (write.type === 'put') this.disk.records.set(write.key, { value: this.copyIn(write.value), revision });
    else if (write.type === 'delete') this.disk.records.delete(write.key);
  }

  protected copyIn(value: Uint8Array): Uint8Array {
    return copyBytes(value);
  }

  protected copyOut(value: Uint8Array): Uint8Array {
    return copyBytes(value);
  }
}

export type StoreClass = new (disk: Disk) => Store;

/** An empty place for stores of that class, with a lock. */
export function createFixture(Class: StoreClass): StoreFixture {
  const disk = new Disk();
  return {
    async open() {
      if (disk.locked) throw new SottoError('STORE_LOCKED', 'locked', { where: 'disk' });
      disk.locked = true;
      return new Class(disk);
    },
  };
}

function invalid(what: string): SottoError {
  return new SottoError('INVALID_ARGUMENT', 'invalid', { what, reason: 'invalid' });
}
