/**
 * What every BlobStore has to do, as data. It needs no test runner; hand each case to whichever you use, with a fixture
 * that makes stores of one place.
 */
import type { Clock } from '@sotto/core';
import type { BlobStoreCase } from './blob-store/blob-store-case.js';
import { blobBytesCases } from './blob-store/bytes-cases.js';
import { blobCallCases } from './blob-store/call-cases.js';
import { blobKeepingCases } from './blob-store/keeping-cases.js';
import { TimeLimit } from './support/time-limit.js';

export type { BlobStoreCase, BlobStoreFixture } from './blob-store/blob-store-case.js';

/** What a store says of itself. */
export interface BlobStoreCasesOptions {
  /** Whether it deletes. Default true. */
  readonly deletes?: boolean | undefined;
  /** Whether the fixture can interrupt. Default false. */
  readonly interruptible?: boolean | undefined;
  /** Milliseconds that anything may take. Default 10,000. */
  readonly timeout?: number | undefined;
  /** Bounds the waits. Default: the machine's. */
  readonly clock?: Clock | undefined;
}

/** The requirements on every store of blobs. They are independent of one another, and may share a fixture. */
export function blobStoreCases(options: BlobStoreCasesOptions = {}): readonly BlobStoreCase[] {
  const { deletes = true, interruptible = false, timeout = 10_000, clock } = options;
  const timeLimit = new TimeLimit(timeout, clock);
  return [
    ...blobKeepingCases(timeLimit, deletes),
    ...blobBytesCases(timeLimit),
    ...blobCallCases(timeLimit, { deletes, interruptible }),
  ];
}
