/** What all contestants look like to the bench: two accounts whose bundles are published, and sessions between them. */
export interface Library {
  /** Begins a session: what the first who writes does before he encrypts. The first of the two writes first. */
  begin(): Promise<Pair> | Pair;
}

export type Pair = readonly [Party, Party] & { readonly end?: () => void };

/** One end of a session; its state is in memory. */
export interface Party {
  encrypt(plaintext: Uint8Array): unknown;
  decrypt(message: unknown): unknown;
}

/** One library, or one way to use ours. */
export interface Contestant {
  readonly id: string;
  readonly title: string;
  readonly kind: 'sotto' | 'rival';
  /** Without native code: what runs in a browser as well. */
  readonly portable: boolean;
  /** What has to be known to read its figures. */
  readonly note?: string;
  /** What it refuses by design. */
  readonly without?: readonly ScenarioId[];
}

export type ScenarioId = 'sessions' | '64 B' | '1 KiB' | '64 KiB' | 'ping-pong' | 'reverse';
