/**
 * The Store port: bytes by key, with one atomic write.
 *
 * - Keys are 1 to 1024 printable ASCII characters (0x20 to 0x7e), ordered by code.
 * - Values are 0 to 16 MiB, or to the smaller size that an adapter documents. Bytes handed in are borrowed until the
 *   promise settles; bytes returned are fresh.
 * - Anything else is refused with INVALID_ARGUMENT, or LIMIT_EXCEEDED for a value that is too large.
 * - Every method may reject with CLOSED, STORE_UNAVAILABLE, STORE_CORRUPT, or ABORTED when a signal fired.
 *   After STORE_UNAVAILABLE the call has had no effect and may be retried.
 *
 * The compliance suite for implementers is in `@sotto/compliance`.
 */
export interface Store {
  /** How the store relates to the one that was closed before. Absent where the store can't tell. */
  readonly continuity?: Continuity | undefined;

  /** The record under the key, or `undefined` when there is none. */
  get(key: string): Promise<StoredRecord | undefined>;

  /**
   * The records whose keys begin with `prefix`, in ascending order of key, as of the moment when the
   * iteration began (a snapshot). A damaged record doesn't hide the others: the iteration yields all
   * that can be read, and then rejects with STORE_CORRUPT or STORE_ROLLBACK. Closing the store ends it with CLOSED.
   */
  list(prefix: string, options?: ListOptions): AsyncIterable<StoredEntry>;

  /**
   * Stores all writes or none of them, durably unless the options say otherwise, and returns the revision that the
   * written records now have. A key may occur only once.
   * @throws STORE_CONFLICT when a record doesn't have the revision that a write expects; nothing is stored
   */
  commit(writes: readonly Write[], options?: StoreCommitOptions): Promise<Revision>;

  /**
   * Resolves when no power cut can undo what was committed before: where there is this method, commits may be relaxed.
   */
  sync?(): Promise<void>;

  /**
   * Rewrites what the store keeps, so that what was deleted or replaced can't be read from the disk any more, as far
   * as the medium allows. Nothing that can be read through this port changes. A store without this method leaves no
   * traces, or can't remove them: its documentation says which. Stores may also compact on their own.
   */
  compact?(): Promise<void>;

  /** Waits for what is in progress, makes it durable and releases all resources. Closing twice is fine. */
  close(): Promise<void>;
}

/** How {@link Store.commit} is done. */
export interface StoreCommitOptions {
  /** Gives up waiting for its turn: ABORTED, and nothing is stored. */
  readonly signal?: AbortSignal | undefined;
  /**
   * When the commit resolves. Only for a store with {@link Store.sync}; others commit strictly. Default `strict`.
   *
   * - `strict`: when a power cut can't undo it, nor any commit before it.
   * - `relaxed`: as soon as the end of the process can't undo it. A power cut may, until a strict commit or `sync`
   *   resolves, or the store is closed; what it leaves has each commit before the last that it has.
   */
  readonly durability?: 'strict' | 'relaxed' | undefined;
}

/**
 * How a store that was opened relates to the one that was closed.
 *
 * - `new`: there was nothing here.
 * - `continued`: it has everything that was committed.
 * - `lost`: an anchor outside the store has recorded commits, but the store is empty: deleted, or evicted by the browser.
 * - `rolled-back`: an anchor outside the store has recorded later commits than the store has: an old copy was restored. Its
 *   ratchets must not be used; sessions have to be started anew.
 *
 * `lost` and `rolled-back` are reported each time the store is opened until the first commit: let that commit record the consequences.
 * Without an anchor, only `new` and `continued` can be told apart.
 */
export type Continuity = 'new' | 'continued' | 'lost' | 'rolled-back';

/**
 * Grows with each commit of a store and is never reused, so that a record that was deleted and made again has
 * another revision than before. An integer from 1 to 2^53 - 1.
 */
export type Revision = number;

/** What {@link Store.get} returns. The caller owns `value`. */
export interface StoredRecord {
  /** Fresh; the caller owns it. */
  readonly value: Uint8Array;
  /** The revision of the commit that wrote it. */
  readonly revision: Revision;
}

/** What {@link Store.list} yields. The caller owns `value`. */
export interface StoredEntry extends StoredRecord {
  /** 1 to 1024 printable ASCII characters. */
  readonly key: string;
}

/** Which records {@link Store.list} yields. */
export interface ListOptions {
  /** Begin after this key. */
  readonly after?: string | undefined;
  /** Stop after so many records. */
  readonly limit?: number | undefined;
  /** Ends the listing with ABORTED. */
  readonly signal?: AbortSignal | undefined;
}

/** The revision a write expects of a record: a number it must have, or `absent` when there must be none. */
export type Expectation = Revision | 'absent';

/** One part of a commit. Without `expect` it succeeds whatever was stored there before. */
export type Write =
  | {
      readonly type: 'put';
      readonly key: string;
      readonly value: Uint8Array;
      readonly expect?: Expectation | undefined;
    }
  | { readonly type: 'delete'; readonly key: string; readonly expect?: Expectation | undefined }
  /** Changes nothing, but refuses the commit when the record isn't as expected. */
  | { readonly type: 'check'; readonly key: string; readonly expect: Expectation };

/** Longest key in characters. */
export const STORE_KEY_MAX_LENGTH = 1024;
/** Largest value in bytes. */
export const STORE_VALUE_MAX_BYTES = 16 * 1024 * 1024;
