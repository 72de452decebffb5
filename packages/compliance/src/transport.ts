/**
 * The requirements on every Transport, as data. They need no particular test runner: run each case in yours, with a
 * fixture that creates transports on one network.
 */
import type { Clock, TransportCapabilities } from '@sotto/core';
import { TimeLimit } from './support/time-limit.js';
import { channelCases } from './transport/channel-cases.js';
import { deliveryCases } from './transport/delivery-cases.js';
import { endCases } from './transport/end-cases.js';
import { historyCases } from './transport/history-cases.js';
import { interruptionCases } from './transport/interruption-cases.js';
import { pseudonymCases } from './transport/pseudonym-cases.js';
import type { TransportCase } from './transport/transport-case.js';

export type { TransportCase, TransportFixture } from './transport/transport-case.js';

/** What the transport promises, and how the cases run. */
export interface TransportCasesOptions {
  /** Whether subscribing to a channel also delivers what was sent there shortly before, as if live. Default false. */
  readonly retains?: boolean | undefined;
  /** Whether the transport has a history. Must equal its `capabilities.history`. Default false. */
  readonly history?: boolean | undefined;
  /** Whether the fixture can interrupt connections. Default false. */
  readonly interruptible?: boolean | undefined;
  /** Whether messages can be signed with another key than the identity's. Must equal its `capabilities.pseudonyms`. Default: not. */
  readonly pseudonyms?: TransportCapabilities['pseudonyms'] | undefined;
  /** Milliseconds that any step may take. Default 10,000. */
  readonly timeout?: number | undefined;
  /** Times the waits, and provides the times of history requests. Default: the machine's. */
  readonly clock?: Clock | undefined;
}

/** The requirements on every transport. They are independent of one another, and may share a fixture. */
export function transportCases(options: TransportCasesOptions = {}): readonly TransportCase[] {
  const { timeout = 10_000, retains = false, clock } = options;
  const timeLimit = new TimeLimit(timeout, clock);
  return [
    ...channelCases(timeLimit, retains),
    ...deliveryCases(timeLimit),
    ...endCases(timeLimit),
    ...pseudonymCases(timeLimit, options.pseudonyms),
    ...(options.history ? historyCases(timeLimit, retains, clock) : []),
    ...(options.interruptible ? interruptionCases(timeLimit) : []),
  ];
}
