/** For tests of transports: a receiver that records messages and statuses, and that a test can wait on. */
import {
  type ConnectOptions,
  decodeUtf8,
  type KeyPair,
  type TransportMessage,
  type TransportStatus,
} from '@sotto/core';
import { Arrivals } from './support/time-limit.js';

/** A recording receiver, see {@link createInbox}. */
export interface Inbox {
  /** To pass to `connect`. */
  readonly party: ConnectOptions;
  /** The messages received, in order of arrival. */
  readonly messages: readonly TransportMessage[];
  /** The statuses reported, in order. */
  readonly statuses: readonly TransportStatus[];
  /** The payloads, read as UTF-8. */
  texts(): string[];
  /** Resolves once at least so many messages have arrived. Has no time limit. */
  count(least: number): Promise<void>;
  /** Resolves once this status has been reported, now or earlier. Has no time limit. */
  status(wanted: TransportStatus): Promise<void>;
}

/** Records everything that arrives for an identity. */
export function createInbox(identity: KeyPair): Inbox {
  const messages = new Arrivals<TransportMessage>();
  const statuses = new Arrivals<TransportStatus>();
  return {
    party: {
      identity,
      async onMessage(message) {
        messages.add(message);
      },
      onStatus: (status) => statuses.add(status),
    },
    messages: messages.all,
    statuses: statuses.all,
    texts: () => messages.all.map(({ payload }) => decodeUtf8(payload)),
    count: (least) => messages.until(() => true, least),
    status: (wanted) => statuses.until((status) => status === wanted),
  };
}
