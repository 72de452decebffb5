import { Buffer } from 'node:buffer';
import { packageMissing } from '@sotto/core';
import type pg from 'pg';
import { unavailable } from '../unavailable.js';
import { ANSWER_MS, ATTEMPTS, CONNECTION_MS, STATEMENT_MS } from './limits.js';
import type { PostgresConnection } from './postgres-connection.js';

/** A statement that each connection prepares once, under its name. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

/** A statement was sent, and its connection was gone before the answer: it may have been carried out, or still be. */
export class ConnectionLost extends Error {}

/** PostgreSQL's codes of statements that others got in the way of (class 40, and a lock that took too long). */
const REPEATABLE = /^(40001|40P01|55P03)$/;

/** Bytes as bytes, everything else as text: whatever the application has told `pg` to do with types. */
const types = {
  getTypeParser: (type: number) => (text: string) =>
    type === 17 ? new Uint8Array(Buffer.from(text.slice(2), 'hex')) : text,
} as unknown as pg.CustomTypesConfig;

/**
 * What every connection is set to, whatever the database's own defaults are.
 *
 * - `read committed`: see `postgres-engine.ts` for why that suffices.
 * - `synchronous_commit` at least `on`: a commit that is confirmed is on the disk, and on synchronous standbys.
 * - All statements find rows by their primary key: statistics that are missing or old must not lead elsewhere.
 * - A connection whose other end is gone is noticed in seconds, and not in hours.
 */
const SETTINGS = `
  SELECT set_config('default_transaction_isolation', 'read committed', false),
    set_config('synchronous_commit', CASE current_setting('synchronous_commit')
      WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, false),
    set_config('application_name', $1, false),
    set_config('statement_timeout', '${STATEMENT_MS}', false),
    set_config('lock_timeout', '0', false),
    set_config('idle_session_timeout', '0', false),
    set_config('bytea_output', 'hex', false),
    set_config('enable_seqscan', 'off', false),
    set_config('jit', 'off', false),
    set_config('tcp_keepalives_idle', '5', false),
    set_config('tcp_keepalives_interval', '2', false),
    set_config('tcp_keepalives_count', '3', false)`;

/** Options of {@link Connections}. */
interface ConnectionsOptions {
  readonly connection: PostgresConnection;
  /** Most connections of the pool. */
  readonly most: number;
  /** Names them to the server, and to who looks at `pg_stat_activity` there. */
  readonly applicationName: string;
}

/** A pool of connections to one database, for all stores in it. */
export class Connections {
  readonly #pg: typeof pg;
  readonly #config: pg.ClientConfig;
  readonly #applicationName: string;
  readonly #pool: pg.Pool;

  private constructor(library: typeof pg, { connection, most, applicationName }: ConnectionsOptions) {
    const given = typeof connection === 'string' ? { connectionString: connection } : connection;
    this.#pg = library;
    this.#applicationName = applicationName;
    this.#config = { ...given, keepAlive: true, connectionTimeoutMillis: CONNECTION_MS };
    this.#pool = new library.Pool({
      ...this.#config,
      query_timeout: ANSWER_MS,
      max: most,
      onConnect: (client) => this.#prepare(client),
    });
    // An idle connection was lost: the pool has removed it.
    this.#pool.on('error', () => {});
  }

  /** @throws PACKAGE_MISSING; INVALID_ARGUMENT and such come from `pg` itself as STORE_UNAVAILABLE */
  static async load(options: ConnectionsOptions): Promise<Connections> {
    let library: typeof pg;
    try {
      library = (await import('pg')).default;
    } catch (cause) {
      throw packageMissing('A store in PostgreSQL', ['pg'], cause);
    }
    try {
      return new Connections(library, options);
    } catch (error) {
      throw unavailable(error);
    }
  }

  /**
   * Runs a statement once, in a transaction of its own.
   * @throws STORE_UNAVAILABLE: it had no effect; {@link ConnectionLost}: nobody knows
   */
  async once<Row>(statement: Statement, values: readonly unknown[]): Promise<readonly Row[]> {
    for (let attempt = 1; ; attempt++) {
      const client = await this.#connect();
      try {
        const { rows } = await client.query({ ...statement, values: [...values], types });
        client.release();
        return rows as Row[];
      } catch (error) {
        const refused = await isRefusal(error, client);
        client.release(!refused);
        if (!refused) throw new ConnectionLost('no answer', { cause: error });
        if (attempt === ATTEMPTS || !REPEATABLE.test((error as { readonly code: string }).code))
          throw unavailable(error);
      }
    }
  }

  /** `pg` also throws at once, where it can't read an address. */
  async #connect(): Promise<pg.PoolClient> {
    try {
      return await this.#pool.connect();
    } catch (error) {
      throw unavailable(error);
    }
  }

  /**
   * As {@link once}, for a statement that may be run twice: when the connection is lost, on another one.
   * @throws STORE_UNAVAILABLE
   */
  async read<Row>(statement: Statement, values: readonly unknown[]): Promise<readonly Row[]> {
    try {
      return await this.once(statement, values);
    } catch (error) {
      if (!(error instanceof ConnectionLost)) throw error;
    }
    try {
      return await this.once(statement, values);
    } catch (error) {
      throw error instanceof ConnectionLost ? unavailable(error.cause) : error;
    }
  }

  /** Runs several statements without parameters, as one transaction. @throws STORE_UNAVAILABLE */
  async script(text: string): Promise<void> {
    try {
      await this.#pool.query(text);
    } catch (error) {
      throw unavailable(error);
    }
  }

  /** A connection outside of the pool, which the caller ends. @param answerMs how long it waits for an answer */
  async session(answerMs: number): Promise<pg.Client> {
    const client = new this.#pg.Client({
      ...this.#config,
      connectionTimeoutMillis: Math.max(1_000, answerMs),
      query_timeout: answerMs,
    });
    try {
      await client.connect();
      await this.#prepare(client);
      return client;
    } catch (error) {
      void client.end().catch(() => {});
      throw error;
    }
  }

  async #prepare(client: pg.ClientBase): Promise<void> {
    // Whoever waits for an answer is told as well; without a listener the process would end.
    client.on('error', () => {});
    await client.query(SETTINGS, [this.#applicationName]);
  }

  /** Waits for what is in progress. */
  async close(): Promise<void> {
    await this.#pool.end();
  }
}

/**
 * Whether the server has refused the statement, which then had no effect. An error alone doesn't say so: it may be the last
 * word of a server that has crashed while it committed. A connection that goes on after the error does.
 */
async function isRefusal(error: unknown, client: pg.ClientBase): Promise<boolean> {
  if (typeof (error as { readonly code?: unknown }).code !== 'string') return false;
  return client.query('SELECT 1').then(
    () => true,
    () => false,
  );
}
