/** PostgreSQL on Node: many stores in one database, for servers. With the package `pg`, an optional peer dependency. */
import { type Clock, invalidArgument, parseObject, systemClock } from '@sotto/core';
import {
  DEFAULT_COMMIT_TIMEOUT_MS,
  DEFAULT_LEASE_MS,
  DEFAULT_MAX_CONNECTIONS,
  MAX_COMMIT_TIMEOUT_MS,
  MAX_CONNECTIONS,
  MAX_LEASE_MS,
  MIN_LEASE_MS,
} from './postgres/limits.js';
import type { PostgresConnection } from './postgres/postgres-connection.js';
import { PostgresDatabase } from './postgres/postgres-database.js';

export type { DurableStore } from './durable-store.js';
export type { PostgresConnection } from './postgres/postgres-connection.js';
export type {
  PostgresDatabase,
  PostgresStoreOptions,
  WhenOpenElsewhere,
} from './postgres/postgres-database.js';
export type { PostgresStore } from './postgres/postgres-store.js';
export type { RevisionAnchor } from './revision-anchor.js';

/** Options of {@link openPostgresDatabase}. */
export interface PostgresDatabaseOptions {
  /**
   * Where the database is: a URL such as `postgres://bots@db.example.org/bots?sslmode=verify-full`, or options as the `Client` of
   * `pg` takes them. Directly, or through a pooler that gives each client a connection of its own: the lock is one.
   */
  readonly connection: PostgresConnection;
  /** Most connections for all stores together, 1 to 100; one more holds the lock. Default 8. */
  readonly maxConnections?: number | undefined;
  /**
   * How long this process keeps its stores without a sign of life, in milliseconds, 500 to 60,000: how long a frozen process, or one
   * that the network has cut off, stands in the way of others. Long work without a pause between events must take less. Default
   * 3000.
   */
  readonly leaseMs?: number | undefined;
  /**
   * How long a commit waits, after its connection was lost, to learn whether it was stored, in milliseconds, 1 to 3,600,000. Then it
   * rejects with CLOSED, and the store has to be opened again. Default 60,000.
   */
  readonly commitTimeoutMs?: number | undefined;
  /** Timers. Leases run by the clock of the server alone. Default: the system clock. */
  readonly clock?: Clock | undefined;
}

/**
 * Opens a PostgreSQL database, 14 or later, in which many stores are kept, in three tables whose names begin with `sotto_`. They are
 * made in the schema that the search path names first, if they aren't there.
 *
 * Each store is open in one process at a time. When that one ends, loses its connection or is frozen, another one that waits for
 * the store takes it over; whatever the first one then still tries to write is refused.
 * @throws STORE_UNAVAILABLE, STORE_SCHEMA_NEWER, INVALID_ARGUMENT; PACKAGE_MISSING when `pg` isn't installed
 */
export async function openPostgresDatabase(options: PostgresDatabaseOptions): Promise<PostgresDatabase> {
  const {
    connection,
    maxConnections = DEFAULT_MAX_CONNECTIONS,
    leaseMs = DEFAULT_LEASE_MS,
    commitTimeoutMs = DEFAULT_COMMIT_TIMEOUT_MS,
    clock = systemClock,
  } = parseObject(options, 'options');
  if (typeof connection !== 'string') parseObject(connection, 'connection');
  checkRange(maxConnections, 'maxConnections', 1, MAX_CONNECTIONS);
  checkRange(leaseMs, 'leaseMs', MIN_LEASE_MS, MAX_LEASE_MS);
  checkRange(commitTimeoutMs, 'commitTimeoutMs', 1, MAX_COMMIT_TIMEOUT_MS);
  parseObject(clock, 'clock', 'now', 'after');
  return PostgresDatabase.open({ connection, maxConnections, leaseMs, commitTimeoutMs, clock });
}

/** @throws INVALID_ARGUMENT */
function checkRange(value: number, what: string, least: number, most: number): void {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return;
  throw invalidArgument(what, `not a whole number from ${least} to ${most}`);
}
