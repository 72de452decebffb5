import { HEADER_KEY } from '../store-header.js';
import { encodeTextArray } from './array-parameter.js';
import { Batches } from './batches.js';
import type { Connections, Statement } from './connections.js';
import { STORES_IN_A_STATEMENT } from './limits.js';

/** A store that this process has taken. Both are 64 bits, in decimal. */
export interface Claim {
  readonly id: string;
  /** One more than its last owner had. */
  readonly epoch: string;
}

/**
 * Takes stores: those that are new, that nobody has, or whose holder has lost its lock, which is free exactly when this
 * statement gets a share in it. What this process has itself was taken by a statement whose answer it never got: it asks for
 * nothing that it has open. A store in which somebody is committing right now, or that another process is taking, is skipped: so
 * nobody waits, and there are no deadlocks.
 */
const TAKE: Statement = {
  name: 'sotto-take',
  text: `
    WITH made AS (
      INSERT INTO sotto_stores (name, epoch, holder)
      SELECT name, 1, $2::bigint FROM unnest($1::text[]) AS wanted (name)
      ON CONFLICT (name) DO NOTHING
      RETURNING id, name, epoch
    ), free AS MATERIALIZED (
      SELECT id FROM sotto_stores
      WHERE name = ANY ($1::text[])
        AND (holder IS NULL OR holder = $2::bigint OR pg_try_advisory_xact_lock_shared(holder))
      FOR NO KEY UPDATE SKIP LOCKED
    ), taken AS (
      UPDATE sotto_stores AS store SET epoch = store.epoch + 1, holder = $2::bigint
      FROM free WHERE store.id = free.id
      RETURNING store.id, store.name, store.epoch
    )
    SELECT id, name, epoch FROM made UNION ALL SELECT id, name, epoch FROM taken`,
};

/** The headers of stores, as their new owner finds them: not in {@link TAKE}, which may have begun before the last commit of the old one. */
const READ_HEADERS: Statement = {
  name: 'sotto-read-headers',
  text: `
    SELECT store.id, record.value
    FROM unnest($1::text[]::bigint[], $2::text[]::bigint[]) AS taken (id, epoch)
    JOIN sotto_stores AS store ON store.id = taken.id AND store.epoch = taken.epoch
    LEFT JOIN sotto_records AS record ON record.store = store.id AND record.key = $3::text`,
};

/** Gives stores up, unless another process has taken them. */
const RELEASE: Statement = {
  name: 'sotto-release',
  text: `
    UPDATE sotto_stores SET holder = NULL
    WHERE id = ANY ($1::text[]::bigint[]) AND holder = $2::bigint`,
};

/** Of those named, the stores that can be taken, as by {@link TAKE}, with the number of who had them last. */
const FIND_FREE: Statement = {
  name: 'sotto-find-free',
  text: `
    WITH wanted AS MATERIALIZED (
      SELECT wanted.name, store.holder
      FROM unnest($1::text[]) AS wanted (name) LEFT JOIN sotto_stores AS store ON store.name = wanted.name
    ), gone AS MATERIALIZED (
      SELECT holder FROM (SELECT DISTINCT holder FROM wanted WHERE holder IS NOT NULL) AS holders
      WHERE holder = $2::bigint OR pg_try_advisory_xact_lock_shared(holder)
    )
    SELECT name, holder FROM wanted WHERE holder IS NULL OR holder IN (SELECT holder FROM gone)`,
};

/** Of those numbered, the stores that this process still has. */
const FIND_KEPT: Statement = {
  name: 'sotto-find-kept',
  text: `
    SELECT id FROM sotto_stores WHERE id = ANY ($1::text[]::bigint[]) AND holder = $2::bigint`,
};

/** Ends what a process that has lost its lock has begun and can't end, since it is frozen. */
const END_SESSIONS: Statement = {
  name: 'sotto-end-sessions',
  text: `
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE application_name = $1 AND usename = current_user AND datname = current_database()
      AND pg_try_advisory_xact_lock_shared($2::bigint)`,
};

const DELETE: Statement = {
  name: 'sotto-delete',
  text: `
    WITH gone AS (
      DELETE FROM sotto_stores WHERE id = $1::bigint AND epoch = $2::bigint RETURNING id
    )
    DELETE FROM sotto_records WHERE store = (SELECT id FROM gone)`,
};

/** The name that the connections of a holder bear. */
export function applicationName(holder: string): string {
  return `sotto ${holder}`;
}

/** Who has which store, as the database knows it. */
export class Claims {
  readonly #connections: Connections;
  readonly #holder: string;
  readonly #taking: Batches<string, Claim | undefined>;
  readonly #reading: Batches<Claim, { readonly value: Uint8Array | undefined } | undefined>;
  readonly #releasing: Batches<string, undefined>;

  constructor(connections: Connections, holder: string) {
    this.#connections = connections;
    this.#holder = holder;
    this.#taking = new Batches((names) => this.#take(names), STORES_IN_A_STATEMENT);
    this.#reading = new Batches((claims) => this.#readHeaders(claims), STORES_IN_A_STATEMENT);
    this.#releasing = new Batches((ids) => this.#release(ids), STORES_IN_A_STATEMENT);
  }

  /** Takes a store that this process hasn't open. @returns `undefined` when another process has it. @throws STORE_UNAVAILABLE */
  take(name: string): Promise<Claim | undefined> {
    return this.#taking.add(name);
  }

  /** The header of a store that this process has taken. @returns `undefined` when another one has taken it. @throws STORE_UNAVAILABLE */
  header(claim: Claim): Promise<{ readonly value: Uint8Array | undefined } | undefined> {
    return this.#reading.add(claim);
  }

  /** Gives a store up; without effect when another process has taken it. @throws STORE_UNAVAILABLE */
  async release(id: string): Promise<void> {
    await this.#releasing.add(id);
  }

  /** Of those named, the stores that can be taken, and who had them last, if anybody. @throws STORE_UNAVAILABLE */
  async free(names: readonly string[]): Promise<ReadonlyMap<string, string | null>> {
    const rows = await this.#connections.read<{ name: string; holder: string | null }>(FIND_FREE, [
      encodeTextArray(names),
      this.#holder,
    ]);
    return new Map(rows.map(({ name, holder }) => [name, holder]));
  }

  /** Of those numbered, the stores that this process still has. @throws STORE_UNAVAILABLE */
  async kept(ids: readonly string[]): Promise<ReadonlySet<string>> {
    const rows = await this.#connections.read<{ id: string }>(FIND_KEPT, [
      encodeTextArray(ids),
      this.#holder,
    ]);
    return new Set(rows.map(({ id }) => id));
  }

  /** Ends the connections of a process that has lost its lock. @throws STORE_UNAVAILABLE */
  async endSessions(holder: string): Promise<void> {
    await this.#connections.read(END_SESSIONS, [applicationName(holder), holder]);
  }

  /** Deletes a store that this process has taken, with all that it keeps. @throws STORE_UNAVAILABLE */
  async delete({ id, epoch }: Claim): Promise<void> {
    await this.#connections.read(DELETE, [id, epoch]);
  }

  async #take(names: readonly string[]): Promise<(Claim | undefined)[]> {
    const rows = await this.#connections.read<Claim & { name: string }>(TAKE, [
      encodeTextArray(names),
      this.#holder,
    ]);
    const claims = new Map(rows.map(({ name, id, epoch }) => [name, { id, epoch }]));
    return names.map((name) => claims.get(name));
  }

  async #readHeaders(claims: readonly Claim[]) {
    const rows = await this.#connections.read<{ id: string; value: Uint8Array | null }>(READ_HEADERS, [
      encodeTextArray(claims.map(({ id }) => id)),
      encodeTextArray(claims.map(({ epoch }) => epoch)),
      HEADER_KEY,
    ]);
    const headers = new Map(rows.map(({ id, value }) => [id, { value: value ?? undefined }]));
    return claims.map(({ id }) => headers.get(id));
  }

  async #release(ids: readonly string[]): Promise<undefined[]> {
    await this.#connections.read(RELEASE, [encodeTextArray(ids), this.#holder]);
    return ids.map(() => undefined);
  }
}
