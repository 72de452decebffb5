/** For tests of transports: a party that keeps what it gets, and can be waited for. */
import {
  type ConnectOptions,
  decodeUtf8,
  type KeyPair,
  type TransportMessage,
  type TransportStatus,
} from '@sotto/core';
import { Arrivals } from './support/time-limit.js';

export interface Inbox {
  /** To be connected. */
  readonly party: ConnectOptions;
  /** What came, in the order in which it came. */
  readonly messages: readonly TransportMessage[];
  readonly statuses: readonly TransportStatus[];
  /** The payloads, read as UTF-8. */
  texts(): string[];
  /** Resolves once so many messages are there. It has no time limit. */
  count(least: number): Promise<void>;
  /** Resolves once the party has been told so, counting from the beginning. It has no time limit. */
  status(wanted: TransportStatus): Promise<void>;
}

/** Takes all that comes for an identity. */
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
