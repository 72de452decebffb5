/**
 * The requirements on every Store, as data. They need no particular test runner: run each case in yours, with an empty
 * fixture in which a store is kept.
 */
import { STORE_VALUE_MAX_BYTES } from '@sotto/core';
import { abortCases } from './store/abort-cases.js';
import { closeCases } from './store/close-cases.js';
import { commitCases } from './store/commit-cases.js';
import { compactCases } from './store/compact-cases.js';
import { concurrencyCases } from './store/concurrency-cases.js';
import { durabilityCases } from './store/durability-cases.js';
import { listCases } from './store/list-cases.js';
import { recordCases } from './store/record-cases.js';
import { lockCases, reopenCases } from './store/reopen-cases.js';
import { sizeCases } from './store/size-cases.js';
import type { StoreCase } from './store/store-case.js';

export type { StoreCase, StoreFixture } from './store/store-case.js';

/** What the stores of a fixture promise, see {@link storeCases}. */
export interface StoreCasesOptions {
  /** Whether a fixture keeps what was committed when its store is closed. Default true. */
  readonly durable?: boolean | undefined;
  /** Whether a fixture refuses a second store with STORE_LOCKED while one is open. Default: as `durable`. */
  readonly exclusive?: boolean | undefined;
  /**
   * Largest value in bytes that the store documents. Default 16 MiB, the port's own maximum; a store on top of
   * something with a lower limit may accept less.
   */
  readonly maxValueBytes?: number | undefined;
  /** Number of records in the case with many. Default 100,000; fewer where that takes too long. */
  readonly records?: number | undefined;
}

/** The requirements on every store. They are independent of one another; each needs an empty fixture of its own. */
export function storeCases(options: StoreCasesOptions = {}): readonly StoreCase[] {
  const { durable = true, maxValueBytes = STORE_VALUE_MAX_BYTES, records = 100_000 } = options;
  const { exclusive = durable } = options;
  return [
    ...recordCases(maxValueBytes),
    ...commitCases(),
    ...listCases(),
    ...abortCases(),
    ...concurrencyCases(),
    ...compactCases(),
    ...durabilityCases(durable),
    ...closeCases(durable),
    ...(durable ? reopenCases() : []),
    ...(exclusive ? lockCases() : []),
    ...sizeCases(records),
  ];
}
