import type { Channel, PublicKey, Topic } from '@sotto/core';

/** A message or envelope as the network took it. */
export interface Sent {
  /** Where it goes; who listens to the same key gets it. */
  readonly key: string;
  readonly place: Channel | Topic;
  readonly sender: PublicKey | undefined;
  readonly bytes: Uint8Array;
  /** Milliseconds since the epoch. */
  readonly sentAt: number;
}

/** What a network needs to know of those who are connected to it. */
export interface MemoryEndpoint {
  /** Whose it is, for who can reach whom. */
  readonly owner: PublicKey | undefined;
  listensTo(key: string): boolean;
  /** Whether it has taken this already. */
  has(sent: Sent): boolean;
  /** Hands fresh bytes over; whether they were taken. */
  hand(sent: Sent, fromHistory: boolean): Promise<boolean>;
  tellStatus(status: 'connected' | 'reconnecting'): void;
}

/** What those who are connected need of their network. */
export interface Router {
  send(sent: Omit<Sent, 'sentAt'>, signal: AbortSignal | undefined): void;
  history(
    to: MemoryEndpoint,
    keys: ReadonlySet<string>,
    request: { readonly from: number; readonly to: number; readonly signal?: AbortSignal | undefined },
  ): Promise<void>;
  leave(end: MemoryEndpoint): void;
}
