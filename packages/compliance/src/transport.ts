/**
 * What every Transport has to do, as data. It needs no test runner; hand each case to whichever you use, with a place
 * that makes transports of one network.
 */
import type { Clock } from '@sotto/core';
import { Patience } from './patience.js';
import { channelCases } from './transport/channel-cases.js';
import { deliveryCases } from './transport/delivery-cases.js';
import { endCases } from './transport/end-cases.js';
import { historyCases } from './transport/history-cases.js';
import { interruptionCases } from './transport/interruption-cases.js';
import type { TransportCase } from './transport/transport-case.js';

export type { TransportCase, TransportPlace } from './transport/transport-case.js';

export interface TransportCasesOptions {
  /** Listening to a channel also brings what was sent there shortly before, as if it came live. Default false. */
  readonly retains?: boolean;
  /** Whether the capabilities say so. Default false. */
  readonly history?: boolean;
  /** Whether the place can interrupt connections. Default false. */
  readonly interruptible?: boolean;
  /** Milliseconds that anything may take. Default 10,000. */
  readonly patience?: number;
  /** Bounds the waits, and dates what is asked of history. Default: the machine's. */
  readonly clock?: Clock;
}

/** The requirements on every transport. They are independent of one another, and may share a place. */
export function transportCases(options: TransportCasesOptions = {}): readonly TransportCase[] {
  const { patience: milliseconds = 10_000, retains = false, clock } = options;
  const patience = new Patience(milliseconds, clock);
  return [
    ...channelCases(patience, retains),
    ...deliveryCases(patience),
    ...endCases(patience),
    ...(options.history ? historyCases(patience, retains, clock) : []),
    ...(options.interruptible ? interruptionCases(patience) : []),
  ];
}
