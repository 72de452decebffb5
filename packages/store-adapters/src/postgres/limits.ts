/** Connections of the pool, unless the options say otherwise; the one that holds the lock comes on top. */
export const DEFAULT_MAX_CONNECTIONS = 8;
/** Most connections that the options may ask for. */
export const MAX_CONNECTIONS = 100;
/** How long a process keeps its stores without a sign of life, unless the options say otherwise, in milliseconds. */
export const DEFAULT_LEASE_MS = 3_000;
/** Shortest lease in milliseconds: a garbage collection or a burst of work must not end it. */
export const MIN_LEASE_MS = 500;
/** Longest lease in milliseconds. */
export const MAX_LEASE_MS = 60_000;
/** How long a commit waits to learn whether it was stored, unless the options say otherwise, in milliseconds. */
export const DEFAULT_COMMIT_TIMEOUT_MS = 60_000;
/** Longest time in milliseconds that the options may let a commit wait. */
export const MAX_COMMIT_TIMEOUT_MS = 3_600_000;
/** How often a process asks whether stores that it waits for are free, in milliseconds. */
export const POLL_MS = 500;
/** Signs of life in a lease. */
export const SIGNS_IN_A_LEASE = 4;
/** The pause before a lost connection is made again, in milliseconds. */
export const RECONNECT_MS = 250;
/** How long the server works on one statement, in milliseconds: a commit of {@link MAX_COMMIT_BYTES} takes some seconds. */
export const STATEMENT_MS = 30_000;
/** How long a call waits for an answer, in milliseconds: longer than the server works on it. */
export const ANSWER_MS = 40_000;
/** How long a call waits for a connection, in milliseconds. */
export const CONNECTION_MS = 30_000;
/** Largest commit: keys and values together, in bytes. PostgreSQL refuses messages of 1 GiB. */
export const MAX_COMMIT_BYTES = 256 * 1024 * 1024;
/** Stores that one statement opens or closes. */
export const STORES_IN_A_STATEMENT = 1_000;
/** How often a statement that others got in the way of is tried. */
export const ATTEMPTS = 5;
/** Longest name of a store in characters. */
export const NAME_MAX_LENGTH = 255;
