/**
 * What every BundleDirectory has to do, as data. It needs no test runner; hand each case to whichever you use, with a
 * fixture that makes directories of one place.
 */
import type { Clock } from '@sotto/core';
import { bytesCases } from './directory/bytes-cases.js';
import type { DirectoryCase } from './directory/directory-case.js';
import { endCases, interruptionCases } from './directory/end-cases.js';
import { findingCases } from './directory/finding-cases.js';
import { publishingCases } from './directory/publishing-cases.js';
import { TimeLimit } from './support/time-limit.js';

export type { DirectoryCase, DirectoryFixture } from './directory/directory-case.js';

/** What a directory says of itself. */
export interface DirectoryCasesOptions {
  /** Whether it publishes by itself. Default true; else the fixture has to. */
  readonly publishes?: boolean | undefined;
  /** Whether the fixture can interrupt. Default false. */
  readonly interruptible?: boolean | undefined;
  /** Milliseconds that anything may take. Default 10,000. */
  readonly timeout?: number | undefined;
  /** Bounds the waits. Default: the machine's. */
  readonly clock?: Clock | undefined;
}

/** The requirements on every directory. They are independent of one another, and may share a fixture. */
export function directoryCases(options: DirectoryCasesOptions = {}): readonly DirectoryCase[] {
  const { publishes = true, interruptible = false, timeout = 10_000, clock } = options;
  const timeLimit = new TimeLimit(timeout, clock);
  return [
    ...findingCases(timeLimit),
    ...(publishes ? publishingCases(timeLimit) : []),
    ...bytesCases(timeLimit, publishes),
    ...endCases(timeLimit, publishes),
    ...(interruptible ? interruptionCases(timeLimit, publishes) : []),
  ];
}
