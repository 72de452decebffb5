import { decodeUtf8 } from '@sotto/core';
import { checkLimit } from './decode-limits.js';
import { malformed } from './malformed.js';
import type { FieldShape, MessageShape, WireLimits } from './message-shape.js';
import { WIRE_LENGTH_DELIMITED, WIRE_VARINT, WireCursor, type WireInput } from './wire-cursor.js';

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
export function checkWire<L extends string>(
  bytes: Uint8Array,
  shape: MessageShape<L>,
  limits: WireLimits<L>,
): void {
  checkMessage({ bytes, limits, fields: 0 }, 0, bytes.length, shape);
}

/** A check in progress. */
interface Input<L extends string> extends WireInput {
  readonly limits: WireLimits<L>;
}

function checkMessage<L extends string>(
  input: Input<L>,
  start: number,
  end: number,
  shape: MessageShape<L>,
): void {
  const occurrences = new Map<FieldShape<L>, number>();
  const mapKeys = new Map<FieldShape<L>, Set<string>>();
  const cursor = new WireCursor(input, start, end, shape.name);
  while (cursor.next()) {
    const field = shape.fields.get(cursor.number);
    if (field === undefined) continue;
    if (shape.skipsForeignWireTypes && cursor.wireType !== wireTypeOf(field)) continue;
    const what = `${shape.name}.${field.name}`;
    const count = (occurrences.get(field) ?? 0) + 1;
    occurrences.set(field, count);
    if (field.count !== undefined) checkLimit(what, count, input.limits[field.count]);
    else if (count > 1) throw malformed(what, 'more than one value');
    checkValue(input, cursor, field, what);
    if (field.type === 'map') {
      const key = checkMapEntry(input, cursor, field, what);
      const keys = mapKeys.get(field) ?? new Set();
      mapKeys.set(field, keys);
      if (keys.has(key)) throw malformed(what, 'two entries with the same key');
      keys.add(key);
    }
  }
}

/** Checks the value at the cursor; for a map entry, only its wire type. */
function checkValue<L extends string>(
  input: Input<L>,
  cursor: WireCursor,
  field: FieldShape<L>,
  what: string,
): void {
  const { valueStart: start, valueEnd: end } = cursor;
  const wireType = wireTypeOf(field);
  if (cursor.wireType !== wireType) throw malformed(what, `wire type ${cursor.wireType}, not ${wireType}`);
  if (field.size !== undefined) checkLimit(`${what}, bytes`, end - start, input.limits[field.size]);
  if (field.type === 'uint32' && cursor.varint > 0xffff_ffff) throw malformed(what, 'above 2^32 - 1');
  if (field.type === 'string') checkText(input, start, end, what);
  if (field.type === 'message') checkMessage(input, start, end, field.message);
}

const VARINTS: ReadonlySet<FieldShape['type']> = new Set(['uint32', 'int64', 'varint']);

function wireTypeOf({ type }: { readonly type: FieldShape['type'] }): number {
  return VARINTS.has(type) ? WIRE_VARINT : WIRE_LENGTH_DELIMITED;
}

/** Checks an entry and returns its key: an absent one is the empty string, as in every proto3 implementation. */
function checkMapEntry<L extends string>(
  input: Input<L>,
  { valueStart: start, valueEnd: end }: WireCursor,
  { keySize, message }: { readonly keySize: L; readonly message: MessageShape<L> },
  what: string,
): string {
  const entryKey: FieldShape<L> = { name: 'key', type: 'string', size: keySize };
  const entryValue: FieldShape<L> = { name: 'value', type: 'message', message };
  let key: string | undefined;
  let valuePresent = false;
  const cursor = new WireCursor(input, start, end, what);
  while (cursor.next()) {
    if (cursor.number === 1) {
      if (key !== undefined) throw malformed(what, 'an entry with two keys');
      checkValue(input, cursor, entryKey, `${what} key`);
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
