/**
 * What a key-value database has to offer for a Store to be built on it. Revisions, expectations,
 * snapshots, checks, order of calls and closing come with `createEngineStore`; it makes one `write` at a time,
 * and none of the others after `close`.
 *
 * Keys are 1 to 1024 ASCII characters, 0x01 to 0x7e; values up to 16 MiB and 8 bytes. Bytes are borrowed in both
 * directions until the call settles. A SottoError passes through to the caller of the store (STORE_CORRUPT for
 * damage, for instance); any other error becomes STORE_UNAVAILABLE.
 */
export interface StorageEngine {
  /** The values under the keys, in their order; `undefined` where there is none. At least one key. */
  get(keys: readonly string[]): Promise<readonly (Uint8Array | undefined)[]>;

  /**
   * The first `limit` pairs within the range, in ascending order of the key's characters: fewer only when the range
   * has no more.
   */
  page(range: KeyRange, limit: number): Promise<readonly (readonly [key: string, value: Uint8Array])[]>;

  /**
   * Stores all of the changes or none of them, durably. A key is named once; deleting what is absent is fine.
   * Without `reopen`, a rejection means that nothing was stored.
   */
  write(changes: readonly EngineChange[]): Promise<void>;

  /**
   * Releases everything and opens again, so that what can be read is what is on the disk. For an engine that can't
   * tell after a failed `write` whether it took effect: it is called before the next one, and until then reads give
   * what stood there before. It is called after a failed read as well, unless that threw a SottoError, and then the read
   * is tried again. When it rejects, it is called again before anything else.
   */
  reopen?(): Promise<void>;

  /**
   * Frees the space of what was deleted or replaced, so that it can't be read from the disk any more. Called between
   * two writes, when no read is under way that began before the last of them.
   */
  compact?(): Promise<void>;

  /**
   * About how many bytes compacting would rewrite, to decide how often it is worth it; without it, 0. Rejects where that
   * can't be done now, for want of space: then `compact` isn't called.
   */
  planCompaction?(): Promise<number>;

  /** Releases everything. Called once. */
  close(): Promise<void>;
}

/** Keys from `from`, itself left out when `exclusive`, up to and without `below`. */
export interface KeyRange {
  /** The first key. */
  readonly from: string;
  /** Whether `from` itself is left out. */
  readonly exclusive: boolean;
  /** The first key that is not in the range any more. */
  readonly below: string;
}

/** A new value for a key, or none. */
export interface EngineChange {
  /** 1 to 1024 ASCII characters, 0x01 to 0x7e. */
  readonly key: string;
  /** Borrowed until the write settles; `undefined` deletes. */
  readonly value: Uint8Array | undefined;
}
