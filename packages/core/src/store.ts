/**
 * The Store port: bytes by key, with one atomic write.
 *
 * - Keys are 1 to 1024 printable ASCII characters (0x20 to 0x7e), ordered by code.
 * - Values are 0 to 16 MiB, or to the smaller size that an adapter documents. Bytes handed in are borrowed until the
 *   promise settles; bytes handed out are fresh.
 * - What is outside of that is refused with INVALID_ARGUMENT, a value too large with LIMIT_EXCEEDED.
 * - Every method may reject with CLOSED, STORE_UNAVAILABLE, STORE_CORRUPT, or ABORTED when a signal fired.
 *   After STORE_UNAVAILABLE nothing of the call has happened and it may be tried again.
 *
 * The compliance suite for implementers is in `@sotto/compliance`.
 */
export interface Store {
  /** How what was opened relates to what was closed before. A store that can't tell leaves it out. */
  readonly continuity?: Continuity | undefined;

  /** The record under the key, or `undefined` when there is none. */
  get(key: string): Promise<StoredRecord | undefined>;

  /**
   * The records whose keys begin with `prefix`, in ascending order of key, as they stood when the iteration
   * began: commits made meanwhile don't show. A damaged record doesn't hide the others: the iteration gives all
   * that can be read, and then rejects with STORE_CORRUPT or STORE_ROLLBACK. Closing the store ends it with CLOSED.
   */
  list(prefix: string, options?: ListOptions): AsyncIterable<StoredEntry>;

  /**
   * Stores all writes or none of them, durably, and answers the revision that the written records now have.
   * A key may be named once.
   * @throws STORE_CONFLICT when a record doesn't have the revision that a write expects; nothing is stored
   */
  commit(writes: readonly Write[], options?: { readonly signal?: AbortSignal }): Promise<Revision>;

  /**
   * Rewrites what the store keeps, so that what was deleted or replaced can't be read from the disk any more, as far
   * as the medium allows. Nothing that can be read through this port changes. A store without this method leaves no
   * remains, or can't get rid of them: its documentation says which. Stores may do it by themselves, too.
   */
  compact?(): Promise<void>;

  /** Waits for what is in progress and releases all resources. Closing twice is fine. */
  close(): Promise<void>;
}

/**
 * How a store that was opened relates to the one that was closed.
 *
 * - `new`: there was nothing here.
 * - `continued`: it goes on where it stopped.
 * - `lost`: something outside of the store knows of it, and there is none: it was deleted, or evicted by the browser.
 * - `rolled-back`: something outside of the store knows of later commits than it has: an old copy was put back. Its ratchets must
 *   not be used; sessions have to be started anew.
 *
 * `lost` and `rolled-back` are said on each opening until the first commit: let that one record what follows from it.
 * Where nothing outside of the store notes how far it has come, only `new` and `continued` can be told.
 */
export type Continuity = 'new' | 'continued' | 'lost' | 'rolled-back';

/**
 * Grows with each commit of a store and is never reused, so that a record that was deleted and made again has
 * another revision than before. An integer from 1 to 2^53 - 1.
 */
export type Revision = number;

/** What {@link Store.get} gives. The caller owns `value`. */
export interface StoredRecord {
  /** Fresh; the caller owns it. */
  readonly value: Uint8Array;
  /** Of the commit that wrote it. */
  readonly revision: Revision;
}

/** What {@link Store.list} gives. The caller owns `value`. */
export interface StoredEntry extends StoredRecord {
  /** 1 to 1024 printable ASCII characters. */
  readonly key: string;
}

/** What {@link Store.list} gives of the records. */
export interface ListOptions {
  /** Begin behind this key. */
  readonly after?: string;
  /** Stop after so many records. */
  readonly limit?: number;
  /** Ends the listing with ABORTED. */
  readonly signal?: AbortSignal;
}

/** The revision a write expects of a record: a number it must have, or `absent` when there must be none. */
export type Expectation = Revision | 'absent';

/** One part of a commit. Without `expect` it succeeds whatever stood there before. */
export type Write =
  | {
      readonly type: 'put';
      readonly key: string;
      readonly value: Uint8Array;
      readonly expect?: Expectation;
    }
  | { readonly type: 'delete'; readonly key: string; readonly expect?: Expectation }
  /** Changes nothing, but refuses the commit when the record isn't as expected. */
  | { readonly type: 'check'; readonly key: string; readonly expect: Expectation };

/** Longest key in characters. */
export const STORE_KEY_MAX_LENGTH = 1024;
/** Largest value in bytes. */
export const STORE_VALUE_MAX_BYTES = 16 * 1024 * 1024;
