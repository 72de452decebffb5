import { type BlobStore, copyBytes, encodeHex, limitExceeded } from '@sotto/core';
import { blobNotFound } from './blob-errors.js';
import { checkReference, parseBlob } from './checks.js';
import { digestOf } from './encryption.js';

/** Options of {@link createMemoryBlobStore}. */
export interface MemoryBlobStoreOptions {
  /** Largest blob in bytes. Default 4,194,304. */
  readonly maxBlobBytes?: number | undefined;
  /** Bytes of all blobs together. Default 268,435,456. */
  readonly maxBytes?: number | undefined;
}

/** Keeps blobs in memory: for tests and demonstrations. References: `memory:<SHA-256 in hex>`. */
export function createMemoryBlobStore(options: MemoryBlobStoreOptions = {}): BlobStore {
  const { maxBlobBytes = 4 * 1024 * 1024, maxBytes = 256 * 1024 * 1024 } = options;
  const blobs = new Map<string, Uint8Array>();
  let total = 0;
  const store: BlobStore = {
    name: 'memory',
    capabilities: { maxBlobBytes },
    accepts: (reference) => /^memory:[0-9a-f]{64}$/.test(reference),
    async put(blob, { signal } = {}) {
      const own = parseBlob(store, blob, signal);
      const reference = `memory:${encodeHex(digestOf(own))}`;
      if (blobs.has(reference)) return reference;
      if (total + own.length > maxBytes)
        throw limitExceeded('blobs in memory, bytes', maxBytes, total + own.length);
      blobs.set(reference, own);
      total += own.length;
      return reference;
    },
    async get(reference, { maxBytes: most = maxBlobBytes, signal } = {}) {
      checkReference(store, reference, signal);
      const blob = blobs.get(reference);
      if (blob === undefined) throw blobNotFound(store.name, reference);
      if (blob.length > most) throw limitExceeded('blob, bytes', most, blob.length);
      return copyBytes(blob);
    },
    async delete(reference, { signal } = {}) {
      checkReference(store, reference, signal);
      total -= blobs.get(reference)?.length ?? 0;
      blobs.delete(reference);
    },
  };
  return store;
}
