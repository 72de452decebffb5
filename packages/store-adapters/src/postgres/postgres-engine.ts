import { type Clock, compareBytes, isSottoError, limitExceeded, SottoError, withinLimit } from '@sotto/core';
import type { EngineChange, KeyRange, StorageEngine } from '../storage-engine.js';
import { HEADER_KEY } from '../store-header.js';
import { unavailable } from '../unavailable.js';
import { encodeBytesArray, encodeTextArray } from './array-parameter.js';
import type { Claim } from './claims.js';
import { ConnectionLost, type Connections, type Statement } from './connections.js';
import { MAX_COMMIT_BYTES, RECONNECT_MS } from './limits.js';

/*
 * Each of these is a transaction of its own, sent as a whole: the server never waits for this process with a lock held.
 * Each does nothing, and returns no row, unless the store still has the epoch that this process gave it.
 *
 * READ COMMITTED suffices. Only the owner of the epoch writes, one commit at a time, so the only statement that has to be
 * kept apart from a commit is the one that takes the store over. Both lock the row of the store first: whichever gets it
 * second sees, under READ COMMITTED, the row as the first left it. A commit that comes second finds another epoch.
 */

const GET: Statement = {
  name: 'sotto-get',
  text: `
    SELECT record.key, record.value FROM sotto_stores AS store
    LEFT JOIN sotto_records AS record ON record.store = store.id AND record.key = ANY ($3::text[])
    WHERE store.id = $1::bigint AND store.epoch = $2::bigint`,
};

const PAGE_FROM: Statement = { name: 'sotto-page-from', text: selectPage('>=') };
const PAGE_BEHIND: Statement = { name: 'sotto-page-behind', text: selectPage('>') };

function selectPage(comparison: '>' | '>='): string {
  return `
    SELECT record.key, record.value FROM sotto_stores AS store
    LEFT JOIN LATERAL (
      SELECT key, value FROM sotto_records
      WHERE sotto_records.store = store.id AND key ${comparison} $3::text AND key < $4::text
      ORDER BY key LIMIT $5::bigint
    ) AS record ON true
    WHERE store.id = $1::bigint AND store.epoch = $2::bigint
    ORDER BY record.key`;
}

const WRITE: Statement = {
  name: 'sotto-write',
  text: `
    WITH owned AS MATERIALIZED (
      SELECT id FROM sotto_stores WHERE id = $1::bigint AND epoch = $2::bigint FOR NO KEY UPDATE
    ), deleted AS (
      DELETE FROM sotto_records
      WHERE store = $1::bigint AND key = ANY ($3::text[]) AND EXISTS (SELECT FROM owned)
    ), stored AS (
      INSERT INTO sotto_records (store, key, value)
      SELECT $1::bigint, put.key, put.value FROM unnest($4::text[], $5::bytea[]) AS put (key, value)
      WHERE EXISTS (SELECT FROM owned)
      ON CONFLICT (store, key) DO UPDATE SET value = EXCLUDED.value
    )
    SELECT id FROM owned`,
};

/**
 * Ends a commit of which no answer came: it waits until that is over, if it is being carried out, and prevents it otherwise, as its
 * epoch is the old one. May be repeated: nobody but the process that has the lock raises its own epoch.
 */
const RAISE: Statement = {
  name: 'sotto-raise',
  text: `
    UPDATE sotto_stores SET epoch = $3::bigint
    WHERE id = $1::bigint AND epoch IN ($2::bigint, $3::bigint) AND holder = $4::bigint
    RETURNING id`,
};

interface Row {
  /** `null` in the one row that only says that the store is owned. */
  readonly key: string | null;
  readonly value: Uint8Array | null;
}

/** Why an engine ended: another process has the store, or nobody knows what became of a commit. */
export type EngineEnd = 'taken over' | 'outcome unknown';

/** Options of {@link PostgresEngine}. */
interface PostgresEngineOptions {
  readonly connections: Connections;
  /** The name of the store. */
  readonly name: string;
  readonly claim: Claim;
  /** The header of the store, which is read first, if it is known already. */
  readonly header: { readonly value: Uint8Array | undefined } | undefined;
  /** The number of the lock of this process. */
  readonly holder: string;
  /** How long a commit waits to learn whether it was stored, in milliseconds. */
  readonly commitTimeoutMs: number;
  readonly clock: Clock;
  /** Gives the store up. @param gone whether another process has it */
  release(gone: boolean): Promise<void>;
}

/** A {@link StorageEngine} for one of many stores in a PostgreSQL database. */
export class PostgresEngine implements StorageEngine {
  /** The number of the store in the database. */
  readonly id: string;
  /** Resolves when the engine can't be used any more, unless it was closed. */
  readonly ended: Promise<EngineEnd>;
  readonly #options: PostgresEngineOptions;
  #epoch: string;
  /** Until it was read once, or anything was written. */
  #header: { readonly value: Uint8Array | undefined } | undefined;
  #end: EngineEnd | undefined;
  #tellEnd: (end: EngineEnd) => void = () => {};
  /** What rejects the calls that wait for an answer. */
  readonly #calls = new Set<(error: unknown) => void>();
  /** While the outcome of a commit is being found out: the epoch may be the old one or the new one. */
  #settling: Promise<unknown> | undefined;

  constructor(options: PostgresEngineOptions) {
    this.#options = options;
    this.id = options.claim.id;
    this.#epoch = options.claim.epoch;
    this.#header = options.header;
    this.ended = new Promise((resolve) => {
      this.#tellEnd = resolve;
    });
  }

  async get(keys: readonly string[]): Promise<(Uint8Array | undefined)[]> {
    const header = this.#header;
    this.#header = undefined;
    if (header !== undefined && keys.length === 1 && keys[0] === HEADER_KEY) return [header.value];
    const rows = await this.#read(GET, [encodeTextArray(keys)]);
    const values = new Map(rows.map(({ key, value }) => [key, value]));
    return keys.map((key) => values.get(key) ?? undefined);
  }

  async page(
    { from, exclusive, below }: KeyRange,
    limit: number,
  ): Promise<(readonly [string, Uint8Array])[]> {
    const rows = await this.#read(exclusive ? PAGE_BEHIND : PAGE_FROM, [from, below, limit]);
    return rows.flatMap(({ key, value }) => (key === null || value === null ? [] : [[key, value] as const]));
  }

  async write(changes: readonly EngineChange[]): Promise<void> {
    this.#header = undefined;
    const { connections } = this.#options;
    const values = encodeChanges(changes);
    // Once more, when the connection was lost before the server got to it.
    for (let attempt = 1; ; attempt++) {
      this.#checkEnd();
      try {
        const rows = await this.#unlessEnded(connections.once(WRITE, [this.id, this.#epoch, ...values]));
        if (rows.length === 0) throw this.takenOver();
        return;
      } catch (error) {
        if (!(error instanceof ConnectionLost)) throw error;
        if (await this.#wasStored(changes)) return;
        if (attempt === 2) throw unavailable(error.cause);
      }
    }
  }

  async close(): Promise<void> {
    await this.#options.release(this.#end === 'taken over');
  }

  /** Another process has the store: ends the engine. @returns the error of every call from now on */
  takenOver(): SottoError {
    return this.#endWith('taken over');
  }

  async #read(statement: Statement, values: readonly unknown[]): Promise<readonly Row[]> {
    for (;;) {
      await this.#settling?.catch(() => {});
      this.#checkEnd();
      const epoch = this.#epoch;
      const { connections } = this.#options;
      const rows = await this.#unlessEnded(connections.read<Row>(statement, [this.id, epoch, ...values]));
      if (rows.length > 0) return rows;
      if (this.#settling === undefined && epoch === this.#epoch) throw this.takenOver();
    }
  }

  /** Whether the changes, whose connection was lost, were stored. They are not, when this returns false, and won't be. */
  async #wasStored(changes: readonly EngineChange[]): Promise<boolean> {
    this.#settling = this.#raiseEpoch();
    try {
      await this.#settling;
    } finally {
      this.#settling = undefined;
    }
    const values = await this.#untilAnswered(() => this.get(changes.map(({ key }) => key)));
    return changes.every(({ value }, i) => {
      const found = values[i];
      return value && found ? compareBytes(value, found) === 0 : value === found;
    });
  }

  async #raiseEpoch(): Promise<void> {
    const { connections, holder } = this.#options;
    const next = String(BigInt(this.#epoch) + 1n);
    const rows = await this.#untilAnswered(() =>
      connections.read(RAISE, [this.id, this.#epoch, next, holder]),
    );
    if (rows.length === 0) throw this.takenOver();
    this.#epoch = next;
  }

  /** Asks until the server answers. @throws CLOSED when it doesn't in time */
  async #untilAnswered<T>(ask: () => Promise<T>): Promise<T> {
    const { clock, commitTimeoutMs } = this.#options;
    try {
      return await withinLimit(
        'outcome of a commit',
        { clock, timeoutMs: commitTimeoutMs },
        async (signal) => {
          for (;;) {
            try {
              return await ask();
            } catch (error) {
              this.#checkEnd();
              if (signal.aborted) throw error;
              await new Promise<void>((resolve) => clock.after(RECONNECT_MS, resolve));
            }
          }
        },
      );
    } catch (error) {
      throw isSottoError(error, 'TIMEOUT') ? this.#endWith('outcome unknown') : error;
    }
  }

  /** Doesn't wait for an answer once another process has the store: none may ever come. */
  #unlessEnded<T>(answer: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#calls.add(reject);
      answer.then(resolve, reject).finally(() => this.#calls.delete(reject));
    });
  }

  #endWith(end: EngineEnd): SottoError {
    this.#end ??= end;
    this.#tellEnd(this.#end);
    const error = this.#endError(this.#end);
    for (const reject of [...this.#calls]) reject(error);
    return error;
  }

  #checkEnd(): void {
    if (this.#end !== undefined) throw this.#endError(this.#end);
  }

  #endError(end: EngineEnd): SottoError {
    if (end === 'taken over') return lockedError(this.#options.name);
    const message =
      'The store was closed, as the database never said whether a commit was stored. Open it again.';
    return new SottoError('CLOSED', message, { what: 'store' });
  }
}

/** The error of a store that another process has open. */
export function lockedError(name: string): SottoError<'STORE_LOCKED'> {
  return new SottoError('STORE_LOCKED', 'Another process, or another handle, has this store open.', {
    where: name,
  });
}

/** @throws LIMIT_EXCEEDED */
function encodeChanges(changes: readonly EngineChange[]): [Uint8Array, Uint8Array, Uint8Array] {
  const bytes = changes.reduce((sum, { key, value }) => sum + key.length + (value?.length ?? 0), 0);
  if (bytes > MAX_COMMIT_BYTES) throw limitExceeded('commit, bytes', MAX_COMMIT_BYTES, bytes);
  const deleted: string[] = [];
  const keys: string[] = [];
  const values: Uint8Array[] = [];
  for (const { key, value } of changes) {
    if (value === undefined) deleted.push(key);
    else {
      keys.push(key);
      values.push(value);
    }
  }
  return [encodeTextArray(deleted), encodeTextArray(keys), encodeBytesArray(values)];
}
