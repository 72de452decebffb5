import { invalidArgument } from '@sotto/core';
import { type RecordCodec, type Table, table } from './table.js';

/** Names of the device's own tables, and what keys of plain records of the application begin with. */
const TAKEN: readonly string[] = [
  'account',
  'app',
  'chain',
  'clock',
  'device',
  'peer',
  'prekey',
  'received',
  'seen',
  'seenindex',
  'session',
  'skipped',
  'strangers',
];
const NAME = /^[a-z][a-z0-9-]{0,31}$/;

/** What {@link defineTable} takes. */
export interface TableDefinition<T> extends RecordCodec<T> {
  /** First segment of each key: 1 to 32 of `a` to `z`, `0` to `9` and `-`, beginning with a letter. */
  readonly name: string;
  /** Whether decoded records may stay in memory: small ones that are read again and again. Default false. */
  readonly cached?: boolean | undefined;
}

/**
 * Defines a table of the application, whose records are read and written in the transactions of a device. A record is
 * framed with its format and a checksum, so that damage to it is noticed.
 * @throws INVALID_ARGUMENT for an invalid name, or that of one of the device's own tables
 */
export function defineTable<T>({ name, cached = false, encode, decode }: TableDefinition<T>): Table<T> {
  if (!NAME.test(name)) throw invalidArgument('name of a table', 'characters or length');
  if (TAKEN.includes(name)) throw invalidArgument('name of a table', 'taken');
  return table(name, { encode, decode }, cached);
}
