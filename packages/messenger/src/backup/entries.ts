import { type BackupEntry, BackupPart } from '../generated/sotto/messenger/v1/backup.js';

/** One record of a backup, or the account. */
export type Entry =
  /** 32 bytes: private key of the identity; the first entry. */
  | { readonly kind: 'account'; readonly privateKey: Uint8Array }
  /** A record of the messenger: its table, the rest of its key, and the record without its frame. */
  | {
      readonly kind: 'record';
      readonly table: string;
      readonly segments: readonly string[];
      readonly value: Uint8Array;
    }
  /** A record of the application, with its full key. */
  | { readonly kind: 'applicationRecord'; readonly key: string; readonly value: Uint8Array }
  /** An entry of a kind that this version doesn't know. */
  | { readonly kind: 'unknown' };

/** An entry that this version writes. */
export type KnownEntry = Exclude<Entry, { kind: 'unknown' }>;

/** Encodes a part of a backup. */
export function encodePart(entries: readonly KnownEntry[]): Uint8Array {
  return BackupPart.encode({ entries: entries.map((entry) => ({ content: contentOf(entry) })) }).finish();
}

function contentOf(entry: KnownEntry): BackupEntry['content'] {
  switch (entry.kind) {
    case 'account':
      return { $case: 'account', value: entry.privateKey };
    case 'record': {
      const { table, segments, value } = entry;
      return { $case: 'record', value: { table, segments: [...segments], value } };
    }
    case 'applicationRecord': {
      const { key, value } = entry;
      return { $case: 'applicationRecord', value: { key, value } };
    }
  }
}

/** Reads what {@link encodePart} wrote. @throws anything */
export function decodePart(bytes: Uint8Array): readonly Entry[] {
  return BackupPart.decode(bytes).entries.map(({ content }): Entry => {
    switch (content?.$case) {
      case 'account':
        return { kind: 'account', privateKey: content.value };
      case 'record':
        return { kind: 'record', ...content.value };
      case 'applicationRecord':
        return { kind: 'applicationRecord', ...content.value };
      default:
        return { kind: 'unknown' };
    }
  });
}
