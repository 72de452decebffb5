/**
 * What a key-value database has to offer for a Store to be built on it. Revisions, expectations,
 * snapshots, checks, order of calls and closing are up to `createEngineStore`, which makes one `write` at a time
 * and no calls after `close`.
 *
 * Keys are 1 to 1024 ASCII characters, 0x01 to 0x7e; values up to 16 MiB and 8 bytes. Bytes are borrowed in both
 * directions until the call settles. A SottoError is passed on to the caller of the store (for example
 * STORE_CORRUPT for damage); any other error becomes STORE_UNAVAILABLE.
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
   * Stores all of the changes or none of them, durably. Each key occurs once; deleting what is absent is fine.
   * Without `reopen`, a rejection means that nothing was stored.
   */
  write(changes: readonly EngineChange[]): Promise<void>;

  /**
   * As `write`, but a power cut may undo it until the next `write` resolves: what it leaves has each change before the last
   * that it has. Absent where that is no faster, or the order can't be kept.
   */
  writeRelaxed?(changes: readonly EngineChange[]): Promise<void>;

  /**
   * Releases everything and opens again, so that reads return what is on the disk. For an engine that can't
   * tell after a failed `write` whether it took effect: it is called before the next one, and until then reads return
   * the previous values. It is also called after a failed read, unless that threw a SottoError, and then the read
   * is retried. When it rejects, it is called again before anything else.
   */
  reopen?(): Promise<void>;

  /**
   * Frees the space of what was deleted or replaced, so that it can't be read from the disk any more. Called between
   * two writes, when no read that began before the last of them is in progress.
   */
  compact?(): Promise<void>;

  /**
   * About how many bytes compacting would rewrite, to decide how often it is worth it; if absent, 0. Rejects when
   * there is no space for it now: then `compact` isn't called.
   */
  planCompaction?(): Promise<number>;

  /** Releases everything. Called once. */
  close(): Promise<void>;
}

/** Keys from `from`, without `from` itself when `exclusive`, to `below`, exclusive. */
export interface KeyRange {
  /** The first key. */
  readonly from: string;
  /** Whether `from` itself is excluded. */
  readonly exclusive: boolean;
  /** The first key after the range. */
  readonly below: string;
}

/** A new value for a key, or its deletion. */
export interface EngineChange {
  /** 1 to 1024 ASCII characters, 0x01 to 0x7e. */
  readonly key: string;
  /** Borrowed until the write settles; `undefined` deletes. */
  readonly value: Uint8Array | undefined;
}
