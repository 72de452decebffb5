/** `length` fresh bytes from a cryptographically secure source; the caller owns them. */
export type RandomSource = (length: number) => Uint8Array;

/** Time, injected so that tests and devices can own it. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls `run` once after `milliseconds`; the function given back cancels it. */
  after(milliseconds: number, run: () => void): () => void;
}

/** Facts for an operator: never keys, plaintexts or ciphertexts. */
export interface Logger {
  /** Details for diagnosing a fault. */
  debug(event: string, fields?: Readonly<Record<string, unknown>>): void;
  /** Normal operation. */
  info(event: string, fields?: Readonly<Record<string, unknown>>): void;
  /** Something went wrong, and was recovered from. */
  warn(event: string, fields?: Readonly<Record<string, unknown>>): void;
  /** Something went wrong for good. */
  error(event: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** A logger that discards everything: the default everywhere. */
export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
};
