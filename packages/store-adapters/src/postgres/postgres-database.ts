import { randomBytes } from 'node:crypto';
import { type Clock, invalidArgument, isSottoError, onAbort, parseObject, SottoError } from '@sotto/core';
import { createEngineStore } from '../engine.js';
import { HandedOverStore } from '../handed-over-store.js';
import type { RevisionAnchor } from '../revision-anchor.js';
import { checkAborted } from '../store-arguments.js';
import { applicationName, type Claim, Claims } from './claims.js';
import { Connections } from './connections.js';
import { NAME_MAX_LENGTH, POLL_MS } from './limits.js';
import { LockSession } from './lock-session.js';
import type { PostgresConnection } from './postgres-connection.js';
import { type EngineEnd, lockedError, PostgresEngine } from './postgres-engine.js';
import type { PostgresStore } from './postgres-store.js';
import { prepareTables } from './tables.js';

/**
 * What to do when another process has the store open.
 *
 * - `fail`: reject with STORE_LOCKED.
 * - `wait`: until that process closes it, ends, or shows no sign of life for as long as its lease.
 */
export type WhenOpenElsewhere = 'fail' | 'wait';

/** Options of {@link PostgresDatabase.openStore}. */
export interface PostgresStoreOptions {
  /** The name of the store in the database: 1 to 255 characters, 0x20 to 0x7e. */
  readonly name: string;
  /** What to do when another process has the store open. Default `fail`. */
  readonly whenLocked?: WhenOpenElsewhere | undefined;
  /** Aborts waiting for another process. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Where the store's progress is also recorded, so that a database that was restored from an old backup is detected. Default
   * none. It has to be the same for every process that may open the store.
   */
  readonly anchor?: RevisionAnchor | undefined;
}

/** What {@link PostgresDatabase.open} takes, checked. */
interface DatabaseSettings {
  readonly connection: PostgresConnection;
  readonly maxConnections: number;
  readonly leaseMs: number;
  readonly commitTimeoutMs: number;
  readonly clock: Clock;
}

/** A call that waits for a store. */
interface Waiter {
  readonly name: string;
  /** Looks whether the store can be had. */
  look(): void;
  fail(error: unknown): void;
  /** How often the store was said to be free and could not be had, as somebody was using it. */
  failures: number;
}

/** A PostgreSQL database with many stores in it, of which each is open in one process at a time. */
export class PostgresDatabase {
  readonly #settings: DatabaseSettings;
  /** The number of this handle's lock. */
  readonly #holder: string;
  readonly #connections: Connections;
  readonly #claims: Claims;
  #session!: LockSession;
  /** The names of stores that are open here, or being opened. */
  readonly #names = new Set<string>();
  /** Stores that were closed while the server was away, which still says that they are this process's. */
  readonly #left = new Map<string, Claim>();
  readonly #engines = new Map<string, PostgresEngine>();
  readonly #stores = new Set<PostgresStore>();
  /** Calls that need the connections: awaited before these are closed. */
  readonly #calls = new Set<Promise<unknown>>();
  readonly #waiters = new Set<Waiter>();
  #polling = false;
  #cancelPoll = () => {};
  #closing: Promise<void> | undefined;

  private constructor(settings: DatabaseSettings, holder: string, connections: Connections) {
    this.#settings = settings;
    this.#holder = holder;
    this.#connections = connections;
    this.#claims = new Claims(connections, holder);
  }

  /** @internal */
  static async open(settings: DatabaseSettings): Promise<PostgresDatabase> {
    const holder = String(randomBytes(8).readBigInt64BE());
    const connections = await Connections.load({
      connection: settings.connection,
      most: settings.maxConnections,
      applicationName: applicationName(holder),
    });
    try {
      await prepareTables(connections);
      const database = new PostgresDatabase(settings, holder, connections);
      database.#session = await LockSession.open({
        connect: () => connections.session(settings.leaseMs),
        holder,
        leaseMs: settings.leaseMs,
        clock: settings.clock,
        onRegained: () => database.#checkKept(),
      });
      return database;
    } catch (error) {
      await connections.close();
      throw error;
    }
  }

  /**
   * Opens the store of this name; makes it when there is none.
   * @throws STORE_LOCKED, STORE_CORRUPT, STORE_SCHEMA_NEWER, STORE_UNAVAILABLE, INVALID_ARGUMENT, ABORTED; CLOSED when the
   * database is closed
   */
  async openStore(options: PostgresStoreOptions): Promise<PostgresStore> {
    const { name, whenLocked = 'fail', signal, anchor } = parseObject(options, 'options');
    parseStoreName(name);
    if (whenLocked !== 'fail' && whenLocked !== 'wait') {
      throw invalidArgument('whenLocked', 'neither "fail" nor "wait"');
    }
    if (anchor !== undefined) parseObject(anchor, 'anchor', 'load', 'save');
    return this.#call(() => this.#open(name, whenLocked, signal, anchor));
  }

  async #open(
    name: string,
    whenLocked: WhenOpenElsewhere,
    signal: AbortSignal | undefined,
    anchor: RevisionAnchor | undefined,
  ): Promise<PostgresStore> {
    const claim = await this.#take(name, whenLocked, signal);
    // Where it can't be read now, opening the store says so.
    const header = await this.#claims.header(claim).catch(() => undefined);
    const engine = new PostgresEngine({
      connections: this.#connections,
      name,
      claim,
      header,
      holder: this.#holder,
      commitTimeoutMs: this.#settings.commitTimeoutMs,
      clock: this.#settings.clock,
      release: (gone) => this.#release(name, claim, gone),
    });
    this.#engines.set(claim.id, engine);
    const inner = await createEngineStore(engine, { anchor });
    const store = new OpenStore(inner, engine, name, () => this.#stores.delete(store));
    this.#stores.add(store);
    if (this.#closing) {
      await store.close();
      throw closed();
    }
    return store;
  }

  /**
   * Deletes a store with all that it keeps, so that the next one of that name is `new`. Reset an anchor yourself. Does nothing when
   * there is no such store.
   * @throws STORE_LOCKED when it is open, here or in another process; STORE_UNAVAILABLE, INVALID_ARGUMENT, CLOSED
   */
  async deleteStore(name: string): Promise<void> {
    parseStoreName(name);
    return this.#call(async () => {
      const claim = await this.#take(name, 'fail', undefined);
      try {
        await this.#claims.delete(claim);
      } finally {
        await this.#release(name, claim);
      }
    });
  }

  /** Closes all stores, and then the connections. Closing twice is fine. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#cancelPoll();
    for (const waiter of [...this.#waiters]) waiter.fail(closed());
    await Promise.allSettled(this.#calls);
    await Promise.allSettled([...this.#stores].map((store) => store.close()));
    // What could not be released is free from here on.
    await this.#session.close();
    await this.#connections.close();
  }

  async #call<T>(run: () => Promise<T>): Promise<T> {
    if (this.#closing) throw closed();
    const call = run();
    this.#calls.add(call);
    try {
      return await call;
    } finally {
      this.#calls.delete(call);
    }
  }

  async #take(name: string, whenLocked: WhenOpenElsewhere, signal: AbortSignal | undefined): Promise<Claim> {
    checkAborted(signal, 'open');
    const claim = await this.#tryToTake(name);
    if (claim !== undefined) return claim;
    if (whenLocked === 'fail') throw lockedError(name);
    checkAborted(signal, 'open');
    if (this.#closing) throw closed();
    return this.#waitFor(name, signal);
  }

  /** @returns `undefined` when the store is open, here or elsewhere */
  async #tryToTake(name: string): Promise<Claim | undefined> {
    if (this.#closing) throw closed();
    if (this.#names.has(name)) return undefined;
    this.#names.add(name);
    let claim: Claim | undefined;
    try {
      await this.#session.held();
      claim = await this.#claims.take(name);
      return claim;
    } finally {
      if (claim === undefined) this.#names.delete(name);
    }
  }

  #waitFor(name: string, signal: AbortSignal | undefined): Promise<Claim> {
    return new Promise((resolve, reject) => {
      let looking = false;
      const settle = (run: () => void) => {
        stopListening();
        this.#waiters.delete(waiter);
        run();
      };
      const look = async () => {
        if (looking) return;
        looking = true;
        try {
          const claim = await this.#tryToTake(name);
          if (claim === undefined) waiter.failures++;
          else if (this.#waiters.has(waiter)) settle(() => resolve(claim));
          // Meanwhile the caller has given up.
          else await this.#release(name, claim);
        } catch (error) {
          // The server can't be reached now: the next look is the next attempt.
          if (!isSottoError(error, 'STORE_UNAVAILABLE')) waiter.fail(error);
        } finally {
          looking = false;
        }
      };
      const waiter: Waiter = {
        name,
        failures: 0,
        look: () => void look(),
        fail: (error) => settle(() => reject(error)),
      };
      const stopListening = onAbort(signal, () =>
        waiter.fail(new SottoError('ABORTED', 'The caller gave up.', { what: 'open' })),
      );
      this.#waiters.add(waiter);
      this.#poll();
    });
  }

  /** One question for all that wait, again and again while somebody waits. */
  #poll(): void {
    if (this.#polling || this.#closing || this.#waiters.size === 0) return;
    this.#polling = true;
    this.#cancelPoll = this.#settings.clock.after(POLL_MS, async () => {
      // The server can't be reached now: the next question may be answered.
      await this.#lookForFree().catch(() => {});
      this.#polling = false;
      this.#poll();
    });
  }

  async #lookForFree(): Promise<void> {
    const waiters = [...this.#waiters].filter(({ name }) => !this.#names.has(name));
    if (waiters.length === 0) return;
    const free = await this.#claims.free([...new Set(waiters.map(({ name }) => name))]);
    const stuck = new Set<string>();
    for (const waiter of waiters) {
      const holder = free.get(waiter.name);
      if (holder === undefined) continue;
      // A process that was frozen within a statement keeps the store locked, though its lease is over.
      if (holder !== null && holder !== this.#holder && waiter.failures > 0) stuck.add(holder);
      waiter.look();
    }
    await Promise.all([...stuck].map((holder) => this.#claims.endSessions(holder)));
  }

  /** After the lock was lost and taken again: ends the stores that other processes have taken in between. */
  async #checkKept(): Promise<void> {
    this.#releaseLeft();
    const engines = [...this.#engines.values()];
    if (engines.length === 0) return;
    const kept = await this.#claims.kept(engines.map(({ id }) => id));
    for (const engine of engines) {
      // Not one that this process has given up meanwhile.
      if (!kept.has(engine.id) && this.#engines.get(engine.id) === engine) engine.takenOver();
    }
  }

  /** @param gone whether another process has it */
  async #release(name: string, claim: Claim, gone = false): Promise<void> {
    this.#engines.delete(claim.id);
    try {
      if (!gone) await this.#claims.release(claim.id);
    } catch {
      // The server can't be reached: it is told when it is there again.
      this.#left.set(name, claim);
    }
    this.#names.delete(name);
  }

  /** Gives up what could not be given up while the server was away, unless it was opened again. */
  #releaseLeft(): void {
    for (const [name, claim] of [...this.#left]) {
      this.#left.delete(name);
      if (this.#names.has(name)) continue;
      this.#names.add(name);
      void this.#release(name, claim);
    }
  }
}

/** A store with the engine underneath, which knows when it was taken over. */
class OpenStore extends HandedOverStore implements PostgresStore {
  constructor(
    store: ConstructorParameters<typeof HandedOverStore>[0],
    engine: PostgresEngine,
    name: string,
    release: () => void,
  ) {
    const wanted = new Promise<void>((resolve) => {
      void engine.ended.then((end: EngineEnd) => {
        if (end === 'taken over') resolve();
        else void this.close().catch(() => {});
      });
    });
    super(store, { wanted, release, lockedError: () => lockedError(name) });
  }
}

const closed = () => new SottoError('CLOSED', 'The database was closed.', { what: 'database' });

/** @throws INVALID_ARGUMENT */
function parseStoreName(name: string): string {
  if (typeof name === 'string' && /^[\x20-\x7e]+$/.test(name) && name.length <= NAME_MAX_LENGTH) return name;
  throw invalidArgument('name', `not 1 to ${NAME_MAX_LENGTH} characters, 0x20 to 0x7e`);
}
