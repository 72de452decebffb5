import { decodeUtf8, encodeUtf8, SottoError } from '@sotto/core';
import type { EngineChange, StorageEngine } from './storage-engine.js';

/** The key of the header: below every key that a record may have. */
export const HEADER_KEY = '\x01';

/**
 * The key of the revision up to which the engine was compacted: 8 bytes, big-endian; absent when it never was. It ensures
 * that what was deleted just before a crash, or in many short sessions, is compacted eventually.
 */
export const COMPACTED_KEY = '\x02';

/**
 * Metadata of a store, written with every commit.
 *
 * Layout: schema (4 bytes, big-endian) || revision (8 bytes, big-endian) || progress (UTF-8).
 */
export interface StoreHeader {
  /** Version of the layout of header and records. */
  readonly schema: number;
  /** The revision of the last commit. */
  readonly revision: number;
  /** How far the migration to the next schema has come; empty when none is in progress. */
  readonly progress: string;
}

/**
 * One step of a migration to the next schema: what to change, and the progress from which to continue afterwards.
 * `undefined` when nothing is left. Each step is written atomically with its progress, so that a migration that is
 * killed resumes where it stopped; no step runs twice.
 */
export type Migration = (
  engine: StorageEngine,
  progress: string,
) => Promise<{ readonly changes: readonly EngineChange[]; readonly progress: string } | undefined>;

/** The migrations from schema 1 on: the first leads to schema 2. There are none yet. */
export const storeMigrations: readonly Migration[] = [];

const FIXED_LENGTH = 12;

export function encodeHeader({ schema, revision, progress }: StoreHeader): Uint8Array {
  const text = encodeUtf8(progress);
  const bytes = new Uint8Array(FIXED_LENGTH + text.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, schema);
  view.setBigUint64(4, BigInt(revision));
  bytes.set(text, FIXED_LENGTH);
  return bytes;
}

/** @throws STORE_CORRUPT */
export function decodeHeader(bytes: Uint8Array): StoreHeader {
  if (bytes.length < FIXED_LENGTH) throw corruptHeader();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const schema = view.getUint32(0);
  const revision = Number(view.getBigUint64(4));
  if (schema === 0 || !Number.isSafeInteger(revision)) throw corruptHeader();
  return { schema, revision, progress: decodeUtf8(bytes.subarray(FIXED_LENGTH)) };
}

/**
 * The header of the store on the engine, after migrating it to the newest schema; `undefined` when the engine is
 * empty.
 * @throws STORE_SCHEMA_NEWER, STORE_CORRUPT
 */
export async function readHeader(
  engine: StorageEngine,
  migrations: readonly Migration[],
): Promise<StoreHeader | undefined> {
  const newest = migrations.length + 1;
  const [bytes] = await engine.get([HEADER_KEY]);
  if (bytes === undefined) {
    const [stray] = await engine.page({ from: HEADER_KEY, exclusive: true, below: '\x7f' }, 1);
    if (stray !== undefined) throw corruptHeader();
    return undefined;
  }
  let header = decodeHeader(bytes);
  if (header.schema > newest) {
    const details = { found: header.schema, supported: newest };
    throw new SottoError('STORE_SCHEMA_NEWER', 'The store was written by newer software.', details);
  }
  while (header.schema < newest) {
    const piece = await migrations[header.schema - 1]?.(engine, header.progress);
    header = piece
      ? { ...header, progress: piece.progress }
      : { ...header, schema: header.schema + 1, progress: '' };
    await engine.write([...(piece?.changes ?? []), { key: HEADER_KEY, value: encodeHeader(header) }]);
  }
  return header;
}

function corruptHeader(): SottoError<'STORE_CORRUPT'> {
  return new SottoError('STORE_CORRUPT', 'The header of the store is damaged or missing.', {
    what: 'store header',
  });
}
