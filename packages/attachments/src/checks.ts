import { type BlobStore, copyBytes, limitExceeded, parseBytes, parseText } from '@sotto/core';
import { checkAborted } from './attempts.js';
import { blobRefused } from './blob-errors.js';

/** A copy of a blob that a store may take. @throws INVALID_ARGUMENT, LIMIT_EXCEEDED, ABORTED */
export function parseBlob(
  { capabilities }: BlobStore,
  blob: Uint8Array,
  signal: AbortSignal | undefined,
): Uint8Array {
  const { length } = parseBytes(blob, 'blob');
  if (length > capabilities.maxBlobBytes)
    throw limitExceeded('blob, bytes', capabilities.maxBlobBytes, length);
  checkAborted(signal, 'blob');
  return copyBytes(blob);
}

/** @throws INVALID_ARGUMENT, BLOB_REFUSED, ABORTED */
export function checkReference(store: BlobStore, reference: string, signal: AbortSignal | undefined): void {
  if (!store.accepts(parseText(reference, 'reference')))
    throw blobRefused(store.name, 'the reference is not of this store');
  checkAborted(signal, 'blob');
}
