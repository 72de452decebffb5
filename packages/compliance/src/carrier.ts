/**
 * The requirements on every Carrier, as data. They need no particular test runner: run each case in yours, with a
 * fixture that creates carriers on one network.
 */
import type { Clock } from '@sotto/core';
import { bytesCases } from './carrier/bytes-cases.js';
import type { CarrierCase } from './carrier/carrier-case.js';
import { deliveryCases } from './carrier/delivery-cases.js';
import { endCases } from './carrier/end-cases.js';
import { historyCases } from './carrier/history-cases.js';
import { interruptionCases } from './carrier/interruption-cases.js';
import { topicCases } from './carrier/topic-cases.js';
import { TimeLimit } from './support/time-limit.js';

export type { CarrierCase, CarrierFixture } from './carrier/carrier-case.js';

/** What a carrier promises. By default, everything: nothing lost, duplicated or out of order. */
export interface CarrierCasesOptions {
  /** Whether it may lose envelopes. The cases then publish again, and don't require each single one. Default false. */
  readonly loses?: boolean | undefined;
  /** Whether it may deliver an envelope more than once. Default false. */
  readonly repeats?: boolean | undefined;
  /** Whether it may deliver envelopes out of order. Default false. */
  readonly reorders?: boolean | undefined;
  /**
   * Whether subscribing to a topic also delivers what was published there shortly before, as if live. If so, it must, and
   * history must be available without a subscription. Default false.
   */
  readonly retains?: boolean | undefined;
  /** Whether the carrier has a history. Must equal its `capabilities.history`. Default false. */
  readonly history?: boolean | undefined;
  /** Whether the fixture can interrupt connections. Default false. */
  readonly interruptible?: boolean | undefined;
  /** Milliseconds that any step may take. Default 10,000; for a lossy carrier, for each attempt. */
  readonly timeout?: number | undefined;
  /** Times the waits, and provides the times of history requests. Default: the machine's. */
  readonly clock?: Clock | undefined;
}

/** The requirements on every carrier. They are independent of one another, and may share a fixture. */
export function carrierCases(options: CarrierCasesOptions = {}): readonly CarrierCase[] {
  const { loses = false, repeats = false, reorders = false, retains = false } = options;
  const { timeout = 10_000, clock } = options;
  const traits = { loses, repeats, reorders, retains, timeLimit: new TimeLimit(timeout, clock) };
  return [
    ...deliveryCases(traits),
    ...topicCases(traits),
    ...bytesCases(traits),
    ...endCases(traits),
    ...(options.history ? historyCases(traits, clock) : []),
    ...(options.interruptible ? interruptionCases(traits) : []),
  ];
}
