/**
 * The BlobStore port: a place for encrypted parts of attachments, such as a web server, IPFS or memory.
 *
 * A store is never trusted: what it returns is decrypted and compared with what the sender said. The worst that a store can do is
 * to return nothing, and to learn sizes, times and addresses of those who ask.
 *
 * `blobStoreCases` of `@sotto/compliance/blob-store` tells whether an implementation keeps all of this.
 */
export interface BlobStore {
  /** For people and reports: `ipfs`, for instance. */
  readonly name: string;
  /** What this store can do. */
  readonly capabilities: BlobStoreCapabilities;

  /**
   * Whether the store can be asked for a reference: one of its own form, and of the server that the user chose. A reference comes
   * from the sender of a message, so a store never contacts an address only because a reference names it.
   */
  accepts(reference: string): boolean;

  /**
   * Stores a blob, and returns a reference to it, which recipients pass to `get`. Resolves when another party has it. Storing
   * the same again is fine. The bytes are borrowed until the promise settles.
   * @throws LIMIT_EXCEEDED beyond `maxBlobBytes`, BLOB_UNAVAILABLE (try again later), BLOB_REFUSED, TIMEOUT, ABORTED, INVALID_ARGUMENT
   */
  put(blob: Uint8Array, options?: BlobCallOptions): Promise<string>;

  /**
   * The blob, fresh bytes that belong to the caller.
   * @throws NOT_FOUND when the store doesn't have it, LIMIT_EXCEEDED beyond `maxBytes`, BLOB_REFUSED for a reference that it doesn't
   * accept, BLOB_UNAVAILABLE, TIMEOUT, ABORTED, INVALID_ARGUMENT
   */
  get(reference: string, options?: GetBlobOptions): Promise<Uint8Array>;

  /**
   * Deletes a blob that was put here, as far as the store can; nothing happens when it isn't there. Absent when it can't.
   * @throws BLOB_REFUSED, BLOB_UNAVAILABLE, TIMEOUT, ABORTED, INVALID_ARGUMENT
   */
  delete?(reference: string, options?: BlobCallOptions): Promise<void>;
}

/** What a store of blobs can do, as data. */
export interface BlobStoreCapabilities {
  /** Largest blob in bytes. */
  readonly maxBlobBytes: number;
  /** Milliseconds for which a blob is kept; absent when it isn't known. */
  readonly lifetimeMs?: number | undefined;
}

/** Options of a call. */
export interface BlobCallOptions {
  /** Gives up. */
  readonly signal?: AbortSignal | undefined;
}

/** Options of `get`. */
export interface GetBlobOptions extends BlobCallOptions {
  /** Most bytes that are read. Default: `maxBlobBytes`. */
  readonly maxBytes?: number | undefined;
}
