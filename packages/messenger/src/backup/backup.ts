import {
  compareBytes,
  encodeHex,
  invalidArgument,
  type KeyPair,
  type PublicKey,
  parseObject,
  parseText,
  SottoError,
  STORE_KEY_MAX_LENGTH,
  STORE_VALUE_MAX_BYTES,
  type Store,
  type Write,
} from '@sotto/core';
import { type CryptoProvider, defaultProvider } from '@sotto/crypto';
import { APPLICATION_PREFIX } from '@sotto/device';
import {
  accountWrite,
  bytesTable,
  decodeRecord,
  encodeRecord,
  recordKey,
  undamaged,
} from '@sotto/device/internal';
import { ownChainTable } from '../groups/tables.js';
import { throwIfAborted } from '../runtime/abort.js';
import { BegunListing } from './begun-listing.js';
import { decodePart, type Entry, encodePart, type KnownEntry } from './entries.js';
import { DISPENSABLE_TABLES, MOVING_TABLES } from './moving-records.js';
import { ownChainsOf } from './own-chains.js';
import { type BackupCost, damaged, openStream, sealStream } from './sealed-stream.js';

/** Bytes of entries in one part. */
const PART_BYTES = 64 * 1024;

/**
 * Default of {@link RestoreBackupOptions.maxBytes}, 256 MiB: a backup is held in memory until it is stored in one commit.
 * A hundred thousand messages have about 50 MB.
 */
export const DEFAULT_RESTORE_MAX_BYTES = 256 * 1024 * 1024;
/** Memory that a record takes beyond its bytes. */
const RECORD_OVERHEAD_BYTES = 256;

/** Options of both {@link exportBackup} and {@link restoreBackup}. */
export interface BackupOptions {
  /** Borrowed. A messenger may use it meanwhile: the backup has what is stored when the export begins. */
  readonly store: Store;
  /** Normalised to Unicode NFKC. A new backup needs at least `BACKUP_PASSPHRASE_MIN_LENGTH` characters. */
  readonly passphrase: string;
  /** Every primitive. Default: the best provider of the platform. */
  readonly crypto?: CryptoProvider | undefined;
  /** Called after each part with the number of records handled so far; `total` is `undefined` when restoring. */
  readonly onProgress?:
    | ((progress: { readonly done: number; readonly total: number | undefined }) => void)
    | undefined;
  /** Cancels: the export or restore fails with ABORTED, and a restore has stored nothing. */
  readonly signal?: AbortSignal | undefined;
}

/** What {@link exportBackup} needs. */
export interface ExportBackupOptions extends BackupOptions {
  /** The account that the store belongs to; its private key goes into the backup. Borrowed. */
  readonly identity: KeyPair;
  /** Cost of guessing the passphrase. Default {@link DEFAULT_BACKUP_COST}. */
  readonly cost?: BackupCost | undefined;
}

/**
 * Exports everything that moves to another device as one encrypted stream: the account, contacts, known devices, groups,
 * public chats, messages that the application has not acknowledged, and whatever the application keeps under `app/`.
 *
 * @throws INVALID_ARGUMENT, also for a passphrase that is too short and a cost out of range; STORE codes; ABORTED
 */
export async function* exportBackup(options: ExportBackupOptions): AsyncGenerator<Uint8Array, void> {
  checkOptions(options);
  parseObject(options.identity, 'identity', 'privateKey', 'publicKey');
  const crypto = options.crypto ?? defaultProvider();
  yield* sealStream(crypto, options.passphrase, partsOf(crypto, options), options.cost);
}

async function* partsOf(
  crypto: CryptoProvider,
  options: ExportBackupOptions,
): AsyncGenerator<Uint8Array, void> {
  const { store, identity, signal } = options;
  const listing = signal === undefined ? {} : { signal };
  let total = 0;
  for (const name of MOVING_TABLES.keys()) {
    for await (const _ of store.list(`${name}/`, listing)) total++;
  }
  for await (const _ of store.list(APPLICATION_PREFIX, listing)) total++;
  const ownChains = store.list(`${ownChainTable.name}/`, listing);
  for await (const _ of ownChainsOf(crypto, identity.publicKey, ownChains)) total++;
  let entries: KnownEntry[] = [{ kind: 'account', privateKey: identity.privateKey }];
  let bytes = 0;
  let done = 0;
  const flush = () => {
    const part = encodePart(entries);
    entries = [];
    bytes = 0;
    options.onProgress?.({ done, total });
    return part;
  };
  for await (const entry of recordsOf(crypto, store, identity, listing)) {
    entries.push(entry);
    bytes += entry.value.length;
    done++;
    if (bytes >= PART_BYTES) yield flush();
  }
  yield flush();
}

/** The records that move, as of one moment: a commit moves some from one table to another. */
async function* recordsOf(
  crypto: CryptoProvider,
  store: Store,
  identity: KeyPair,
  listing: { readonly signal?: AbortSignal },
): AsyncGenerator<Exclude<KnownEntry, { kind: 'account' }>, void> {
  const begin = (prefix: string) => new BegunListing(store.list(prefix, listing));
  // In one go: a store lets no commit in between.
  const ownChains = begin(`${ownChainTable.name}/`);
  const tables = [...MOVING_TABLES].map(([table, { reduce }]) => ({
    table,
    reduce,
    records: begin(`${table}/`),
  }));
  const application = begin(APPLICATION_PREFIX);
  const begun = [ownChains, ...tables.map(({ records }) => records), application];
  try {
    yield* ownChainsOf(crypto, identity.publicKey, ownChains);
    for (const { table, reduce, records } of tables) {
      for await (const { key, value: framed } of records) {
        const read = async () => reduce(decodeRecord(crypto, bytesTable(table), key, framed));
        const value = DISPENSABLE_TABLES.has(table) ? await undamaged(read()) : await read();
        if (value === undefined) continue;
        const segments = key.split('/').slice(1).map(decodeURIComponent);
        yield { kind: 'record', table, segments, value };
      }
    }
    for await (const { key, value } of application) yield { kind: 'applicationRecord', key, value };
  } finally {
    await Promise.all(begun.map((records) => records.end()));
  }
}

/** What {@link restoreBackup} needs. */
export interface RestoreBackupOptions extends BackupOptions {
  /**
   * Most bytes that the backup may hold, plus 256 for each record; beyond it LIMIT_EXCEEDED, and nothing is
   * stored. Default `DEFAULT_RESTORE_MAX_BYTES`.
   */
  readonly maxBytes?: number | undefined;
  /**
   * Whether the store keeps the account as well, as by `writeAccount`, in the same commit: there is no moment at which it has
   * records and no account. Default false.
   */
  readonly keepAccount?: boolean | undefined;
  /** The identity that the backup has to be of, 33 bytes; WRONG_IDENTITY for another one, and nothing is stored. Default: any. */
  readonly expectIdentity?: PublicKey | undefined;
}

/**
 * Restores a backup into an empty store, atomically, and returns the identity to open the store with. Opening it makes
 * a new device of that identity.
 *
 * @param chunks each is borrowed until the next one is requested
 * @throws INVALID_ARGUMENT, also when the store is not empty; MALFORMED_MESSAGE when it is not a backup, or is damaged, even
 *   where it authenticates; LIMIT_EXCEEDED; STATE_VERSION_UNSUPPORTED, STORE_WRONG_PASSPHRASE, WRONG_IDENTITY, STORE codes, ABORTED
 */
export async function restoreBackup(
  chunks: AsyncIterable<Uint8Array>,
  options: RestoreBackupOptions,
): Promise<{ readonly identity: KeyPair }> {
  checkOptions(options);
  if (typeof chunks?.[Symbol.asyncIterator] !== 'function') {
    throw invalidArgument('chunks', 'not an asynchronous iterable');
  }
  const { store, passphrase, signal, maxBytes = DEFAULT_RESTORE_MAX_BYTES } = options;
  if (!(maxBytes >= 0)) throw invalidArgument('maxBytes', 'negative, or not a number');
  const crypto = options.crypto ?? defaultProvider();
  for await (const _ of store.list('', { limit: 1 })) {
    throw new SottoError(
      'INVALID_ARGUMENT',
      'A backup can only be restored into an empty store. This one is in use.',
      {
        what: 'store',
        reason: 'not empty',
      },
    );
  }
  let identity: KeyPair | undefined;
  let bytes = 0;
  const writes = new Map<string, Write>();
  for await (const part of openStream(crypto, passphrase, chunks)) {
    throwIfAborted(signal, 'restore');
    for (const entry of entriesOf(part)) {
      if (entry.kind === 'account') {
        if (identity !== undefined) throw damaged('it holds two accounts');
        identity = accountOf(crypto, entry.privateKey);
        continue;
      }
      const record = recordOf(crypto, entry);
      if (record === undefined) continue;
      if (writes.has(record.key)) throw damaged('it holds a record twice');
      bytes += record.key.length + record.value.length + RECORD_OVERHEAD_BYTES;
      if (bytes > maxBytes) {
        const details = { what: 'backup in bytes', limit: maxBytes, actual: bytes };
        throw new SottoError('LIMIT_EXCEEDED', `The backup holds more than ${maxBytes} bytes.`, details);
      }
      writes.set(record.key, { type: 'put', ...record, expect: 'absent' });
    }
    options.onProgress?.({ done: writes.size, total: undefined });
  }
  if (identity === undefined) throw damaged('it holds no account');
  if (options.expectIdentity !== undefined) checkIdentity(identity.publicKey, options.expectIdentity);
  const all = [...writes.values(), ...(options.keepAccount ? [accountWrite(identity, crypto)] : [])];
  if (all.length > 0) await store.commit(all);
  return { identity };
}

function checkIdentity(actual: PublicKey, expected: PublicKey): void {
  if (compareBytes(actual, expected) === 0) return;
  const details = { expected: encodeHex(expected), actual: encodeHex(actual) };
  throw new SottoError('WRONG_IDENTITY', 'The backup is of another account.', details);
}

function entriesOf(part: Uint8Array): readonly Entry[] {
  try {
    return decodePart(part);
  } catch (cause) {
    throw damaged('a part of it is not made of records', cause);
  }
}

function accountOf(crypto: CryptoProvider, privateKey: Uint8Array): KeyPair {
  try {
    return crypto.secp256k1.keyPairFromPrivateKey(privateKey);
  } catch (cause) {
    throw damaged('its account is not a private key', cause);
  }
}

/** The record in an entry; `undefined` for a kind of entry that only later versions know. */
function recordOf(
  crypto: CryptoProvider,
  entry: Entry,
): { readonly key: string; readonly value: Uint8Array } | undefined {
  if (entry.kind === 'applicationRecord') {
    const { key, value } = entry;
    if (!key.startsWith(APPLICATION_PREFIX)) throw damaged("a record of the application isn't under app/");
    checkSize(key, value);
    return { key, value };
  }
  if (entry.kind !== 'record') return undefined;
  const { table, segments, value } = entry;
  const moving = MOVING_TABLES.get(table);
  if (moving === undefined) return undefined;
  try {
    moving.check(segments, value);
  } catch (cause) {
    throw damaged(`a record of ${table} is not valid`, cause);
  }
  const key = recordKey({ name: table }, segments);
  const framed = encodeRecord(crypto, bytesTable(table), key, value);
  checkSize(key, framed);
  return { key, value: framed };
}

/** Rejects what no store would accept. */
function checkSize(key: string, value: Uint8Array): void {
  if (!/^[\x20-\x7e]+$/.test(key) || key.length > STORE_KEY_MAX_LENGTH) throw damaged('a key is not valid');
  if (value.length > STORE_VALUE_MAX_BYTES) throw damaged('a record is too large');
}

function checkOptions(options: BackupOptions): void {
  parseObject(options, 'options');
  parseObject(options.store, 'store', 'get', 'list', 'commit');
  parseText(options.passphrase, 'passphrase');
}

/** File name for a backup: `sotto-`, the first 10 hex digits of the identity's key, `.backup`. */
export function backupFileName(identity: KeyPair): string {
  return `sotto-${encodeHex(identity.publicKey).slice(0, 10)}.backup`;
}
