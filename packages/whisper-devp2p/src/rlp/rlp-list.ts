import { RLP } from '@ethereumjs/rlp';
import { concatBytes, SottoError } from '@sotto/core';

/** First bytes of what RLP knows: below, a byte stands for itself. */
const STRING = 0x80;
const LONG_STRING = 0xb8;
const LIST = 0xc0;
const LONG_LIST = 0xf8;

/**
 * The items of an RLP list, each still encoded: views of the bytes given. Lists within lists are not gone into, as the
 * library's decoder would, copying what is left at each step.
 *
 * @param most items allowed
 * @throws MALFORMED_MESSAGE; LIMIT_EXCEEDED
 */
export function splitList(what: string, bytes: Uint8Array, most: number): Uint8Array[] {
  const list = itemAt(what, bytes, 0);
  if (!list.isList) throw malformed(what, 'no list');
  if (list.end !== bytes.length) throw malformed(what, 'bytes after the end');
  const items: Uint8Array[] = [];
  for (let at = list.start; at < list.end; ) {
    if (items.length === most) {
      throw new SottoError('LIMIT_EXCEEDED', `Too many parts: ${what}.`, {
        what: `parts of ${what}`,
        limit: most,
        actual: most + 1,
      });
    }
    const { end } = itemAt(what, bytes, at);
    if (end > list.end) throw malformed(what, 'a part ends after the list');
    items.push(bytes.subarray(at, end));
    at = end;
  }
  return items;
}

/** An RLP list of items that are encoded already. */
export function joinList(items: readonly Uint8Array[]): Uint8Array {
  const length = items.reduce((sum, item) => sum + item.length, 0);
  if (length < 56) return concatBytes(Uint8Array.of(LIST + length), ...items);
  const digits = RLP.encode(length);
  // An integer below 128 is its own encoding; others have a prefix that says how many bytes they are.
  const size = length < STRING ? digits : digits.subarray(1);
  return concatBytes(Uint8Array.of(LONG_LIST - 1 + size.length), size, ...items);
}

export function isList(item: Uint8Array): boolean {
  return (item[0] ?? 0) >= LIST;
}

/**
 * The content of an encoded byte string, a view of it.
 * @throws MALFORMED_MESSAGE
 */
export function readBytes(what: string, item: Uint8Array): Uint8Array {
  const { isList, start, end } = itemAt(what, item, 0);
  if (isList || end !== item.length) throw malformed(what, 'no byte string');
  return item.subarray(start, end);
}

/**
 * An integer of 8 bytes at most.
 * @throws MALFORMED_MESSAGE
 */
export function readInteger(what: string, item: Uint8Array): bigint {
  const bytes = readBytes(what, item);
  if (bytes.length > 8 || bytes[0] === 0) throw malformed(what, 'no canonical integer of 8 bytes at most');
  return bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

export function malformed(what: string, reason: string): SottoError<'MALFORMED_MESSAGE'> {
  return new SottoError('MALFORMED_MESSAGE', `Malformed: ${what}, ${reason}.`, { what, reason });
}

interface Item {
  readonly isList: boolean;
  /** Where its content begins and ends. */
  readonly start: number;
  readonly end: number;
}

function itemAt(what: string, bytes: Uint8Array, at: number): Item {
  const prefix = bytes[at];
  if (prefix === undefined) throw malformed(what, 'cut off');
  if (prefix < STRING) return { isList: false, start: at, end: at + 1 };
  const isList = prefix >= LIST;
  const [short, long] = isList ? [LIST, LONG_LIST] : [STRING, LONG_STRING];
  const sizeBytes = prefix < long ? 0 : prefix - long + 1;
  const start = at + 1 + sizeBytes;
  const length =
    sizeBytes === 0 ? prefix - short : longLength(what, bytes.subarray(at + 1, start), sizeBytes);
  const end = start + length;
  if (end > bytes.length) throw malformed(what, 'cut off');
  if (!isList && length === 1 && (bytes[start] as number) < STRING) throw malformed(what, 'not canonical');
  return { isList, start, end };
}

function longLength(what: string, digits: Uint8Array, size: number): number {
  if (digits.length < size) throw malformed(what, 'cut off');
  const length = digits.reduce((value, byte) => value * 256 + byte, 0);
  if (digits[0] === 0 || length < 56) throw malformed(what, 'not canonical');
  return length;
}
