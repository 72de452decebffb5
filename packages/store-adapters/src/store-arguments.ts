import {
  invalidArgument,
  isBytes,
  type ListOptions,
  parseObject,
  parseText,
  SottoError,
  STORE_KEY_MAX_LENGTH,
  STORE_VALUE_MAX_BYTES,
  type StoreCommitOptions,
  type Write,
} from '@sotto/core';

/**
 * The checks that the Store port requires of every adapter, in one place: what they accept is safe to store.
 */

const PRINTABLE_ASCII = /^[\x20-\x7e]*$/;

/** Appended to a prefix, sorts directly after every key that begins with it. Never part of a key. */
export const AFTER_ALL_KEYS = '\x7f';
/** The lowest possible key. */
const FIRST_KEY = ' ';

/**
 * Checks a record key: 1 to 1024 characters, 0x20 to 0x7e.
 * @throws INVALID_ARGUMENT
 */
export function parseKey(key: string): string {
  if (typeof key !== 'string' || key.length === 0) throw invalidArgument('key', 'not a non-empty string');
  return parsePrefix(key, 'key');
}

/**
 * Checks the prefix of a listing: as a key, but it may be empty.
 * @throws INVALID_ARGUMENT
 */
function parsePrefix(prefix: string, what = 'prefix'): string {
  if (typeof prefix !== 'string') throw invalidArgument(what, 'not a string');
  if (prefix.length > STORE_KEY_MAX_LENGTH) {
    throw invalidArgument(what, `longer than ${STORE_KEY_MAX_LENGTH} characters`);
  }
  if (!PRINTABLE_ASCII.test(prefix)) throw invalidArgument(what, 'characters other than 0x20 to 0x7e');
  return prefix;
}

/** A listing as a range of keys, and how many records of it are wanted. */
export interface ListRange {
  /** Lower bound; itself in the range unless `exclusive`. */
  readonly from: string;
  /** Whether `from` itself is excluded. */
  readonly exclusive: boolean;
  /** Upper bound, exclusive. */
  readonly below: string;
  /** Most records to return; `Infinity` for all. */
  readonly limit: number;
}

/**
 * The range that a prefix and the options of a listing describe.
 * @throws INVALID_ARGUMENT
 */
export function parseListRange(prefix: string, options: ListOptions = {}): ListRange {
  parsePrefix(prefix);
  const { after = '', limit = Number.POSITIVE_INFINITY } = parseObject(options, 'options');
  parsePrefix(after, 'after');
  if (limit !== Number.POSITIVE_INFINITY && (!Number.isSafeInteger(limit) || limit < 0)) {
    throw invalidArgument('limit', 'not a whole number from 0');
  }
  const exclusive = after !== '' && after >= prefix;
  return { from: exclusive ? after : prefix || FIRST_KEY, exclusive, below: prefix + AFTER_ALL_KEYS, limit };
}

/**
 * Checks the name or location of a store: a non-empty string.
 * @throws INVALID_ARGUMENT
 */
export function parseName(name: string, what: string): string {
  if (parseText(name, what) === '') throw invalidArgument(what, 'empty');
  return name;
}

/**
 * Checks the writes of a commit: keys, values, expectations, and that no key occurs twice.
 * @throws INVALID_ARGUMENT; LIMIT_EXCEEDED when a value is too large
 */
export function parseWrites(
  writes: readonly Write[],
  maxValueBytes: number = STORE_VALUE_MAX_BYTES,
): readonly Write[] {
  if (!Array.isArray(writes)) throw invalidArgument('writes', 'not an array');
  const seen = new Set<string>();
  for (const write of writes as readonly Write[]) {
    parseObject(write, 'writes');
    parseKey(write.key);
    if (seen.has(write.key)) throw invalidArgument('writes', 'a key occurs more than once');
    seen.add(write.key);
    if (write.type === 'put') parseValue(write.value, maxValueBytes);
    else if (write.type !== 'delete' && write.type !== 'check')
      throw invalidArgument('writes', 'unknown type');
    parseExpectation(write);
  }
  return writes;
}

/** @throws INVALID_ARGUMENT */
export function parseCommitDurability(durability: StoreCommitOptions['durability']): void {
  if (durability === undefined || durability === 'strict' || durability === 'relaxed') return;
  throw invalidArgument('durability', 'neither "strict" nor "relaxed"');
}

function parseValue(value: Uint8Array, limit: number): void {
  if (!isBytes(value)) throw invalidArgument('value', 'not a Uint8Array');
  if (value.length > limit) {
    const details = { what: 'value in bytes', limit, actual: value.length };
    throw new SottoError('LIMIT_EXCEEDED', `A value is larger than ${limit} bytes.`, details);
  }
}

function parseExpectation({ type, expect }: Write): void {
  if (expect === undefined) {
    if (type === 'check') throw invalidArgument('expect', 'a check has to expect something');
  } else if (expect !== 'absent' && (!Number.isSafeInteger(expect) || expect < 1)) {
    throw invalidArgument('expect', 'neither "absent" nor a whole number from 1');
  }
}

/**
 * Refuses the commit when a record doesn't have the revision that the write expects.
 * @param revision the record's revision now, `undefined` when there is none
 * @throws STORE_CONFLICT
 */
export function checkExpectation(write: Write, revision: number | undefined): void {
  if (write.expect === undefined || write.expect === (revision ?? 'absent')) return;
  throw new SottoError('STORE_CONFLICT', "A record doesn't have the expected revision.", {
    key: write.key,
  });
}

/** @throws ABORTED when the signal has fired */
export function checkAborted(signal: AbortSignal | undefined, what: string): void {
  if (signal?.aborted) throw new SottoError('ABORTED', 'The caller gave up.', { what });
}

/** The error of every call to a store that was closed. */
export function closedError(): SottoError<'CLOSED'> {
  return new SottoError('CLOSED', 'The store was closed.', { what: 'store' });
}
