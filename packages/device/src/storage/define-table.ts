import { invalidArgument } from '@sotto/core';
import { type RecordCodec, type Table, table } from './table.js';
import { DEVICE_TABLES } from './tables.js';

const NAME = /^[a-z][a-z0-9-]{0,31}$/;

/** What {@link defineTable} takes. */
export interface TableDefinition<T> extends RecordCodec<T> {
  /** First segment of each key: 1 to 32 of `a` to `z`, `0` to `9` and `-`, beginning with a letter. */
  readonly name: string;
  /** Whether decoded records may stay in memory: small ones that are read again and again. Default false. */
  readonly cached?: boolean;
}

/**
 * Defines a table of the application, whose records are read and written in the transactions of a device. A record is
 * framed with its format and a checksum, so that damage to it is noticed.
 * @throws INVALID_ARGUMENT for a name that isn't one, or is that of a table of the device
 */
export function defineTable<T>({ name, cached = false, encode, decode }: TableDefinition<T>): Table<T> {
  if (!NAME.test(name)) throw invalidArgument('name of a table', 'characters or length');
  if (name === 'app' || DEVICE_TABLES.some((other) => other.name === name)) {
    throw invalidArgument('name of a table', 'taken');
  }
  return table(name, { encode, decode }, cached);
}
