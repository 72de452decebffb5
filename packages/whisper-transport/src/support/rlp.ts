/**
 * RLP, Ethereum's encoding of byte strings and lists, as far as envelopes and packets need it. Lists are split without going into
 * the lists within them: a decoder that does would need gigabytes for a megabyte of nothing but list prefixes.
 */
import { concatBytes, SottoError } from '@sotto/core';

/** First bytes of the four kinds of items; a byte below them stands for itself. */
const STRING = 0x80;
const LONG_STRING = 0xb8;
const LIST = 0xc0;
const LONG_LIST = 0xf8;
/** Lengths from here on are written after the first byte. */
const LONG_LENGTH = 56;

/** An item that is not a list: bytes, or an integer of 0 or more, which is written big-endian without leading zeros. */
export type RlpScalar = Uint8Array | number | bigint;

/** Encodes one item. */
export function encodeItem(value: RlpScalar): Uint8Array {
  const bytes = value instanceof Uint8Array ? value : bigEndian(value);
  const [first = STRING] = bytes;
  return bytes.length === 1 && first < STRING ? bytes : concatBytes(prefix(STRING, bytes.length), bytes);
}

/** Encodes a list of such items. */
export function encodeList(values: readonly RlpScalar[]): Uint8Array {
  return joinList(values.map(encodeItem));
}

/** A list of items that are encoded already. */
export function joinList(items: readonly Uint8Array[]): Uint8Array {
  const length = items.reduce((sum, item) => sum + item.length, 0);
  return concatBytes(prefix(LIST, length), ...items);
}

/**
 * The items of a list, each still encoded: views of the bytes given.
 *
 * @param what names the list in errors
 * @param most items allowed
 * @throws MALFORMED_MESSAGE; LIMIT_EXCEEDED
 */
export function splitList(what: string, bytes: Uint8Array, most: number): Uint8Array[] {
  const items: Uint8Array[] = [];
  for (const item of itemsOf(what, bytes)) {
    if (items.length === most) {
      throw new SottoError('LIMIT_EXCEEDED', `Too many items: ${what}.`, {
        what: `items of ${what}`,
        limit: most,
        actual: most + 1,
      });
    }
    items.push(item);
  }
  return items;
}

/**
 * The contents of a list of byte strings, which has to have so many: views of the bytes given.
 * @throws MALFORMED_MESSAGE
 */
export function readStrings(what: string, bytes: Uint8Array, count: number): Uint8Array[] {
  const strings: Uint8Array[] = [];
  for (const item of itemsOf(what, bytes)) {
    if (isList(item) || strings.length === count)
      throw malformed(what, `not a list of ${count} byte strings`);
    strings.push(readBytes(what, item));
  }
  if (strings.length < count) throw malformed(what, `not a list of ${count} byte strings`);
  return strings;
}

function* itemsOf(what: string, bytes: Uint8Array): Iterable<Uint8Array> {
  const list = itemAt(what, bytes, 0);
  if (!list.isList) throw malformed(what, 'not a list');
  if (list.end !== bytes.length) throw malformed(what, 'bytes after the end');
  for (let at = list.start; at < list.end; ) {
    const { end } = itemAt(what, bytes, at);
    if (end > list.end) throw malformed(what, 'an item ends after the list');
    yield bytes.subarray(at, end);
    at = end;
  }
}

/**
 * The first item of the bytes, still encoded, whatever comes after it: a view.
 * @throws MALFORMED_MESSAGE
 */
export function firstItem(what: string, bytes: Uint8Array): Uint8Array {
  return bytes.subarray(0, itemAt(what, bytes, 0).end);
}

/** Whether an encoded item is a list. */
export function isList(item: Uint8Array): boolean {
  return (item[0] ?? 0) >= LIST;
}

/**
 * The content of an encoded byte string: a view.
 * @throws MALFORMED_MESSAGE
 */
export function readBytes(what: string, item: Uint8Array): Uint8Array {
  const { isList, start, end } = itemAt(what, item, 0);
  if (isList || end !== item.length) throw malformed(what, 'not a byte string');
  return item.subarray(start, end);
}

/**
 * An encoded integer of up to 8 bytes.
 * @throws MALFORMED_MESSAGE
 */
export function readInteger(what: string, item: Uint8Array): bigint {
  return integerOf(what, readBytes(what, item), 8);
}

/**
 * The integer that the content of a byte string is.
 * @param most bytes that it may have
 * @throws MALFORMED_MESSAGE
 */
export function integerOf(what: string, content: Uint8Array, most: number): bigint {
  if (content.length > most || content[0] === 0) {
    throw malformed(what, `not a canonical integer of up to ${most} bytes`);
  }
  return content.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

/** The error of bytes that cannot be decoded: `what` names them, `reason` says what is wrong. */
export function malformed(what: string, reason: string): SottoError<'MALFORMED_MESSAGE'> {
  return new SottoError('MALFORMED_MESSAGE', `Not a valid ${what}: ${reason}.`, { what, reason });
}

function prefix(base: typeof STRING | typeof LIST, length: number): Uint8Array {
  if (length < LONG_LENGTH) return Uint8Array.of(base + length);
  const digits = bigEndian(length);
  return concatBytes(Uint8Array.of(base + LONG_LENGTH - 1 + digits.length), digits);
}

/** Without leading zeros: 0 has no bytes. */
function bigEndian(value: number | bigint): Uint8Array {
  const digits: number[] = [];
  for (let left = BigInt(value); left > 0n; left >>= 8n) digits.unshift(Number(left & 0xffn));
  return Uint8Array.from(digits);
}

interface Item {
  readonly isList: boolean;
  /** Where its content begins and ends. */
  readonly start: number;
  readonly end: number;
}

function itemAt(what: string, bytes: Uint8Array, at: number): Item {
  const first = bytes[at];
  if (first === undefined) throw malformed(what, 'cut off');
  if (first < STRING) return { isList: false, start: at, end: at + 1 };
  const isList = first >= LIST;
  const [short, long] = isList ? [LIST, LONG_LIST] : [STRING, LONG_STRING];
  const sizeBytes = first < long ? 0 : first - long + 1;
  const start = at + 1 + sizeBytes;
  const length = sizeBytes === 0 ? first - short : longLength(what, bytes.subarray(at + 1, start), sizeBytes);
  const end = start + length;
  if (end > bytes.length) throw malformed(what, 'cut off');
  if (!isList && length === 1 && (bytes[start] as number) < STRING) throw malformed(what, 'not canonical');
  return { isList, start, end };
}

function longLength(what: string, digits: Uint8Array, size: number): number {
  if (digits.length < size) throw malformed(what, 'cut off');
  const length = digits.reduce((value, byte) => value * 256 + byte, 0);
  if (digits[0] === 0 || length < LONG_LENGTH) throw malformed(what, 'not canonical');
  return length;
}
