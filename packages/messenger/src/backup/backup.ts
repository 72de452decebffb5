import { encodeHex, type KeyPair, SottoError, type Store, type Write } from '@sotto/core';
import { type CryptoProvider, defaultProvider } from '@sotto/crypto';
import { type BackupEntry, BackupPart } from '../generated/sotto/messenger/v1/backup.js';
import { ContactRecord, GroupRecord, PeerRecord } from '../generated/sotto/messenger/v1/storage.js';
import { APPLICATION_PREFIX } from '../storage/ledger.js';
import { decodeRecord, encodeRecord, recordKey, type Table } from '../storage/table.js';
import { type BackupCost, openStream, sealStream } from './sealed-stream.js';

/** Bytes of entries that are put into one part. */
const PART_BYTES = 64 * 1024;

/**
 * What moves, with what is left out of each record. Ratchets, prekeys and ciphertexts on their way do not: the old
 * device may go on using them, and two devices on one ratchet would use its keys twice. The new one begins sessions of
 * its own.
 */
const MOVING: ReadonlyMap<string, (value: Uint8Array) => Uint8Array> = new Map([
  ['contact', notAnnounced],
  ['chat', keep],
  ['seen', keep],
  ['seenindex', keep],
  ['strangers', keep],
  ['blocked', keep],
  ['inbox', keep],
  ['group', withoutHearing],
  ['peer', withoutSessions],
]);

function keep(value: Uint8Array): Uint8Array {
  return value;
}

/** The new device tells them itself that it is there. */
function notAnnounced(value: Uint8Array): Uint8Array {
  return ContactRecord.encode({ ...ContactRecord.decode(value), announced: false }).finish();
}

function withoutHearing(value: Uint8Array): Uint8Array {
  return GroupRecord.encode({ ...GroupRecord.decode(value), heard: new Map() }).finish();
}

function withoutSessions(value: Uint8Array): Uint8Array {
  const peer = PeerRecord.decode(value);
  const devices = peer.devices.map((device) => ({ ...device, sessions: [], heard: false }));
  return PeerRecord.encode({ ...peer, devices, answeredAt: 0n }).finish();
}

const rawTable = (name: string): Table<Uint8Array> => ({
  name,
  cached: false,
  encode: (value) => value,
  decode: (bytes) => bytes,
});

export interface BackupOptions {
  /** Borrowed; may be in use by a messenger meanwhile: what is stored when the export begins is what moves. */
  readonly store: Store;
  /** Kept as it is normalised by NFKC. */
  readonly passphrase: string;
  readonly crypto?: CryptoProvider;
  /** Told after each part how many records were handled; `total` is known when exporting. */
  readonly onProgress?: (progress: { readonly done: number; readonly total: number | undefined }) => void;
  readonly signal?: AbortSignal;
}

export interface ExportBackupOptions extends BackupOptions {
  readonly identity: KeyPair;
  readonly cost?: BackupCost;
}

/**
 * Everything that should move to another device, as one encrypted stream: the account, contacts, known devices, groups,
 * public chats, messages that the application has not acknowledged, and whatever the application keeps under `app/`.
 *
 * @throws STORE codes; ABORTED
 */
export function exportBackup(options: ExportBackupOptions): AsyncGenerator<Uint8Array, void> {
  const crypto = options.crypto ?? defaultProvider();
  return sealStream(crypto, options.passphrase, partsOf(crypto, options), options.cost);
}

async function* partsOf(
  crypto: CryptoProvider,
  options: ExportBackupOptions,
): AsyncGenerator<Uint8Array, void> {
  const { store, identity, signal } = options;
  const listing = signal === undefined ? {} : { signal };
  let total = 0;
  for (const name of MOVING.keys()) {
    for await (const _ of store.list(`${name}/`, listing)) total++;
  }
  for await (const _ of store.list(APPLICATION_PREFIX, listing)) total++;
  let entries: BackupEntry[] = [{ content: { $case: 'account', value: identity.privateKey } }];
  let bytes = 0;
  let done = 0;
  const flush = () => {
    const part = BackupPart.encode({ entries }).finish();
    entries = [];
    bytes = 0;
    options.onProgress?.({ done, total });
    return part;
  };
  for await (const { content, length } of contentsOf(crypto, store, listing)) {
    entries.push({ content });
    bytes += length;
    done++;
    if (bytes >= PART_BYTES) yield flush();
  }
  yield flush();
}

/** The records that move, with how many bytes each is. */
async function* contentsOf(
  crypto: CryptoProvider,
  store: Store,
  listing: { readonly signal?: AbortSignal },
): AsyncGenerator<{ readonly content: NonNullable<BackupEntry['content']>; readonly length: number }, void> {
  for (const [table, transform] of MOVING) {
    for await (const { key, value: framed } of store.list(`${table}/`, listing)) {
      const value = transform(decodeRecord(crypto, rawTable(table), key, framed));
      const segments = key.split('/').slice(1).map(decodeURIComponent);
      yield { content: { $case: 'record', value: { table, segments, value } }, length: value.length };
    }
  }
  for await (const { key, value } of store.list(APPLICATION_PREFIX, listing)) {
    yield { content: { $case: 'applicationRecord', value: { key, value } }, length: value.length };
  }
}

/**
 * Puts a backup into an empty store, all of it or nothing, and gives the identity to open it with. The store becomes a
 * new device of that identity when it is opened.
 *
 * @throws INVALID_ARGUMENT when the store is not empty; MALFORMED_MESSAGE, STATE_VERSION_UNSUPPORTED,
 *   STORE_WRONG_PASSPHRASE, STORE codes, ABORTED
 */
export async function restoreBackup(
  chunks: AsyncIterable<Uint8Array>,
  options: BackupOptions,
): Promise<{ readonly identity: KeyPair }> {
  const { store, passphrase, signal } = options;
  const crypto = options.crypto ?? defaultProvider();
  for await (const _ of store.list('', { limit: 1 })) {
    throw new SottoError('INVALID_ARGUMENT', 'A backup goes into an empty store. This one is in use.', {
      what: 'store',
      reason: 'not empty',
    });
  }
  let identity: KeyPair | undefined;
  const writes: Write[] = [];
  for await (const part of openStream(crypto, passphrase, chunks)) {
    if (signal?.aborted) throw new SottoError('ABORTED', 'The caller gave up.', { what: 'restore' });
    for (const { content } of BackupPart.decode(part).entries) {
      if (content?.$case === 'account') identity = crypto.secp256k1.keyPairFromPrivateKey(content.value);
      if (content?.$case === 'applicationRecord' && content.value.key.startsWith(APPLICATION_PREFIX)) {
        writes.push({ type: 'put', ...content.value, expect: 'absent' });
      }
      // What a later version moves and this one doesn't know is passed over.
      if (content?.$case !== 'record' || !MOVING.has(content.value.table)) continue;
      const { table, segments, value } = content.value;
      const key = recordKey({ name: table }, segments);
      writes.push({
        type: 'put',
        key,
        value: encodeRecord(crypto, rawTable(table), key, value),
        expect: 'absent',
      });
    }
    options.onProgress?.({ done: writes.length, total: undefined });
  }
  if (identity === undefined) {
    throw new SottoError('MALFORMED_MESSAGE', 'The backup holds no account.', {
      what: 'backup',
      reason: 'no account',
    });
  }
  if (writes.length > 0) await store.commit(writes);
  return { identity };
}

/** Name for a backup's file, with the beginning of the identity's key. */
export function backupFileName(identity: KeyPair): string {
  return `sotto-${encodeHex(identity.publicKey).slice(0, 10)}.backup`;
}
