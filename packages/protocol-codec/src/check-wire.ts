import { decodeUtf8 } from '@sotto/core';
import { checkLimit, type DecodeLimits } from './decode-limits.js';
import { malformed } from './malformed.js';
import { WIRE_LENGTH_DELIMITED, WIRE_VARINT, WireCursor, type WireInput } from './wire-cursor.js';
import type { FieldShape, MessageShape } from './wire-shapes.js';

/**
 * Checks the structure of an encoded message before the generated decoder sees it, which by itself would drop a map
 * entry with no value, truncate integers to their type, keep the last of two values of one field, and
 * allocate before it counts.
 *
 * Refused are: varints that are truncated or of more than 64 bits, uint32 values above 2^32 - 1, values longer than
 * what is left, field number 0, groups, a known field with another wire type, a field that may occur once and occurs
 * twice, two map entries with one key, a map entry with no value, and text that is not UTF-8. Unknown fields are
 * ignored.
 *
 * @throws MALFORMED_MESSAGE, LIMIT_EXCEEDED
 */
export function checkWire(bytes: Uint8Array, shape: MessageShape, limits: DecodeLimits): void {
  checkMessage({ bytes, limits, fields: 0 }, 0, bytes.length, shape);
}

function checkMessage(input: WireInput, start: number, end: number, shape: MessageShape): void {
  const occurrences = new Map<FieldShape, number>();
  const mapKeys = new Map<FieldShape, Set<string>>();
  const cursor = new WireCursor(input, start, end, shape.name);
  while (cursor.next()) {
    const field = shape.fields.get(cursor.number);
    if (field === undefined) continue;
    const what = `${shape.name}.${field.name}`;
    const count = (occurrences.get(field) ?? 0) + 1;
    occurrences.set(field, count);
    if (field.count !== undefined) checkLimit(what, count, input.limits[field.count]);
    else if (count > 1) throw malformed(what, 'more than one value');
    checkValue(input, cursor, field, what);
    if (field.type === 'map') {
      const key = checkMapEntry(input, cursor.valueStart, cursor.valueEnd, field.message, what);
      const keys = mapKeys.get(field) ?? new Set();
      mapKeys.set(field, keys);
      if (keys.has(key)) throw malformed(what, 'two entries with the same key');
      keys.add(key);
    }
  }
}

/** Checks the value at the cursor; for a map entry, only its wire type. */
function checkValue(input: WireInput, cursor: WireCursor, field: FieldShape, what: string): void {
  const { valueStart: start, valueEnd: end } = cursor;
  const wireType = field.type === 'uint32' || field.type === 'int64' ? WIRE_VARINT : WIRE_LENGTH_DELIMITED;
  if (cursor.wireType !== wireType) throw malformed(what, `wire type ${cursor.wireType}, not ${wireType}`);
  if (field.size !== undefined) checkLimit(`${what}, bytes`, end - start, input.limits[field.size]);
  if (field.type === 'uint32' && cursor.varint > 0xffff_ffff) throw malformed(what, 'above 2^32 - 1');
  if (field.type === 'string') checkText(input, start, end, what);
  if (field.type === 'message') checkMessage(input, start, end, field.message);
}

const ENTRY_KEY: FieldShape = { name: 'key', type: 'string', size: 'maxInstallationIdBytes' };

/** Checks an entry and returns its key: an absent one is the empty string, as in every proto3 implementation. */
function checkMapEntry(
  input: WireInput,
  start: number,
  end: number,
  valueShape: MessageShape,
  what: string,
): string {
  const entryValue: FieldShape = { name: 'value', type: 'message', message: valueShape };
  let key: string | undefined;
  let valuePresent = false;
  const cursor = new WireCursor(input, start, end, what);
  while (cursor.next()) {
    if (cursor.number === 1) {
      if (key !== undefined) throw malformed(what, 'an entry with two keys');
      checkValue(input, cursor, ENTRY_KEY, `${what} key`);
      key = checkText(input, cursor.valueStart, cursor.valueEnd, `${what} key`);
    } else if (cursor.number === 2) {
      if (valuePresent) throw malformed(what, 'an entry with two values');
      checkValue(input, cursor, entryValue, `${what} value`);
      valuePresent = true;
    }
  }
  if (!valuePresent) throw malformed(what, 'an entry with no value');
  return key ?? '';
}

function checkText(input: WireInput, start: number, end: number, what: string): string {
  try {
    return decodeUtf8(input.bytes.subarray(start, end));
  } catch {
    throw malformed(what, 'not UTF-8');
  }
}
