/**
 * What every Carrier has to do, as data. It needs no test runner; hand each case to whichever you use, with a fixture
 * that makes carriers of one network.
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

/** What a carrier says of itself. By default it is asked for a good one: nothing lost, repeated or out of order. */
export interface CarrierCasesOptions {
  /** It may lose envelopes. They are tried again, and no longer asked for one by one. Default false. */
  readonly loses?: boolean;
  /** It may bring an envelope more than once. Default false. */
  readonly repeats?: boolean;
  /** It may bring envelopes in another order. Default false. */
  readonly reorders?: boolean;
  /**
   * A subscription to a topic also brings what was published there shortly before, as if it came live. Then it has to,
   * and history has to be had without a subscription. Default false.
   */
  readonly retains?: boolean;
  /** Whether the capabilities say so. Default false. */
  readonly history?: boolean;
  /** Whether the fixture can interrupt connections. Default false. */
  readonly interruptible?: boolean;
  /** Milliseconds that anything may take. Default 10,000; of a pipe that loses, so much for each attempt. */
  readonly timeout?: number;
  /** Bounds the waits, and dates what is asked of history. Default: the machine's. */
  readonly clock?: Clock;
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
