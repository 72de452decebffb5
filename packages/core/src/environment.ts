declare global {
  // Types of the platform that our types name. Where the DOM's or Node's types are installed, these add nothing to them; where
  // neither is, as in strict projects for React Native, the names exist, and `skipLibCheck: false` compiles.
  interface AbortSignal {}
  interface Response {}
}

/** `length` fresh bytes from a cryptographically secure source; the caller owns them. */
export type RandomSource = (length: number) => Uint8Array;

/**
 * Argon2id with one lane and 32 bytes of output (RFC 9106). Borrows its arguments; the caller owns the result.
 * @param memoryKiB memory in KiB
 * @param passes over that memory
 */
export type Argon2id = (
  password: Uint8Array,
  salt: Uint8Array,
  cost: { readonly memoryKiB: number; readonly passes: number },
) => Promise<Uint8Array>;

/** Time, injected so that tests and devices can control it. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls `run` once after `milliseconds`; the returned function cancels that. */
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
  /** Something failed and was not recovered from. */
  error(event: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** A logger that discards everything: the default everywhere. */
export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
};
