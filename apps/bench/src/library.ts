/** The interface of all contestants: two accounts with published bundles, and sessions between them. */
export interface Library {
  /** Starts a session: what the initiator does before encrypting. The first account is the initiator. */
  begin(): Promise<Pair> | Pair;
}

export type Pair = readonly [Party, Party] & { readonly end?: () => void };

/** One party of a session, with its state in memory. */
export interface Party {
  encrypt(plaintext: Uint8Array): unknown;
  decrypt(message: unknown): unknown;
}

/** A library, or a configuration of ours. */
export interface Contestant {
  readonly id: string;
  readonly title: string;
  /** `floor`: nothing but the primitives that a contestant of ours uses. */
  readonly kind: 'sotto' | 'floor' | 'rival';
  /** Whether it runs without native code, and so in browsers. */
  readonly portable: boolean;
  /** What one needs to know to interpret its figures. */
  readonly note?: string;
  /** Scenarios that it refuses by design. */
  readonly without?: readonly ScenarioId[];
}

export type ScenarioId = 'sessions' | '64 B' | '1 KiB' | '64 KiB' | 'ping-pong' | 'reverse';
