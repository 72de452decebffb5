import { type Clock, SottoError } from '@sotto/core';
import type pg from 'pg';
import { unavailable } from '../unavailable.js';
import { CONNECTION_MS, RECONNECT_MS, SIGNS_IN_A_LEASE } from './limits.js';

/** Options of {@link LockSession}. */
interface LockSessionOptions {
  /** Makes the connection. */
  connect(): Promise<pg.Client>;
  /** The number of the lock: of this process, or of this handle of a database in it. 64 bits, in decimal. */
  readonly holder: string;
  /** How long the server waits for a sign of life, in milliseconds. */
  readonly leaseMs: number;
  readonly clock: Clock;
  /**
   * Called when the lock is held again after the connection was lost: others may have taken stores meanwhile. When it rejects, the
   * lock is taken anew.
   */
  onRegained(): Promise<void>;
}

/**
 * The lock of a process: an advisory lock of PostgreSQL, held by one connection for all stores that the process has open. The
 * server ends the session, and frees the lock, when the connection is gone, as when the process was killed; and by
 * `idle_session_timeout` when nothing comes for as long as the lease, as when the process is frozen or the network is cut. So only
 * the server's clock counts.
 *
 * A lock that is lost is taken again under the same number: what nobody has taken meanwhile stays open.
 */
export class LockSession {
  readonly #options: LockSessionOptions;
  #client: pg.Client | undefined;
  #held = false;
  #lastError: unknown;
  #closed = false;
  /** Ends the pause that is in progress. */
  #wake: () => void = () => {};
  readonly #waiting = new Set<() => void>();
  #work: Promise<void> = Promise.resolve();
  /** Of the last call of `onRegained`, if it has failed. */
  #regainError: unknown;
  /** Calls of `onRegained` in progress. */
  readonly #regaining = new Set<Promise<void>>();

  private constructor(options: LockSessionOptions) {
    this.#options = options;
  }

  /** @throws STORE_UNAVAILABLE when the server can't be reached now */
  static async open(options: LockSessionOptions): Promise<LockSession> {
    const session = new LockSession(options);
    try {
      await session.#take();
    } catch (error) {
      await session.#drop();
      throw unavailable(error);
    }
    session.#work = session.#keep();
    return session;
  }

  /** Resolves when the lock is held, at once as a rule. @throws STORE_UNAVAILABLE, CLOSED */
  async held(): Promise<void> {
    if (this.#held || this.#closed) return;
    await new Promise<void>((resolve, reject) => {
      const done = () => {
        cancel();
        this.#waiting.delete(done);
        resolve();
      };
      const cancel = this.#options.clock.after(CONNECTION_MS, () => {
        this.#waiting.delete(done);
        reject(unavailable(this.#lastError));
      });
      this.#waiting.add(done);
    });
    if (this.#closed) throw new SottoError('CLOSED', 'The database was closed.', { what: 'database' });
  }

  /** Frees the lock. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#wake();
    this.#tellWaiting();
    await this.#work;
    await Promise.all(this.#regaining);
    await this.#drop();
  }

  /** Signs of life, until they fail; then all over again. */
  async #keep(): Promise<void> {
    const { leaseMs } = this.#options;
    while (!this.#closed) {
      try {
        if (!this.#held) {
          await this.#take();
          this.#regain();
        }
        await this.#pause(leaseMs / SIGNS_IN_A_LEASE);
        if (this.#regainError !== undefined) throw this.#regainError;
        if (!this.#closed) await this.#client?.query('SELECT 1');
      } catch (error) {
        this.#lastError = error;
        await this.#drop();
        await this.#pause(RECONNECT_MS);
      }
    }
  }

  /** Not awaited: signs of life go on, however long it takes while everybody asks a server that is just back. */
  #regain(): void {
    const client = this.#client;
    const regaining = this.#options
      .onRegained()
      .catch((error: unknown) => {
        if (this.#client !== client) return;
        this.#regainError = error;
        this.#wake();
      })
      .finally(() => this.#regaining.delete(regaining));
    this.#regaining.add(regaining);
  }

  async #take(): Promise<void> {
    const { connect, holder, leaseMs } = this.#options;
    const client = await connect();
    this.#client = client;
    // A lost connection is noticed at once, and not with the next sign of life.
    client.on('end', () => {
      if (this.#client === client) this.#wake();
    });
    await client.query(`SELECT set_config('idle_session_timeout', $1, false)`, [String(leaseMs)]);
    const { rows } = await client.query('SELECT pg_try_advisory_lock($1::bigint) AS locked', [holder]);
    // The server has not noticed yet that the connection before is gone, or another process is looking at the lock.
    if (!rows[0].locked) throw new Error('the lock is still held');
    this.#held = true;
    this.#tellWaiting();
  }

  async #drop(): Promise<void> {
    this.#held = false;
    this.#regainError = undefined;
    const client = this.#client;
    this.#client = undefined;
    // Not awaited: nobody may be there to take leave of.
    void client?.end().catch(() => {});
  }

  #pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#options.clock.after(milliseconds, () => this.#wake());
      this.#wake = () => {
        this.#wake = () => {};
        cancel();
        resolve();
      };
      if (this.#closed) this.#wake();
    });
  }

  #tellWaiting(): void {
    for (const proceed of [...this.#waiting]) proceed();
  }
}
