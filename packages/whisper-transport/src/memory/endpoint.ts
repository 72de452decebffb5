import type { Channel, PublicKey, Topic } from '@sotto/core';

/** A message or envelope in the network. */
export interface Sent {
  /** Identifies the channel or topic; endpoints subscribed to the same key receive it. */
  readonly key: string;
  readonly target: Channel | Topic;
  /** Whose connection it came from, for partitions. */
  readonly from: PublicKey | undefined;
  /** Who signed it; of envelopes, nobody. */
  readonly sender: PublicKey | undefined;
  readonly bytes: Uint8Array;
  /** Milliseconds since the epoch. */
  readonly sentAt: number;
}

/** A connection, as its network sees it. */
export interface MemoryEndpoint {
  /** Whose connection it is, for partitions. */
  readonly owner: PublicKey | undefined;
  isSubscribed(key: string): boolean;
  /** Whether it has received this already. */
  has(sent: Sent): boolean;
  /** Delivers a copy. @returns whether it was accepted */
  deliver(sent: Sent, fromHistory: boolean): Promise<boolean>;
  reportStatus(status: 'connected' | 'reconnecting'): void;
}

/** The network, as its connections see it. */
export interface Router {
  send(sent: Omit<Sent, 'sentAt'>, signal: AbortSignal | undefined): void;
  history(
    to: MemoryEndpoint,
    keys: ReadonlySet<string>,
    request: { readonly from: number; readonly to: number; readonly signal?: AbortSignal | undefined },
  ): Promise<void>;
  leave(endpoint: MemoryEndpoint): void;
}
