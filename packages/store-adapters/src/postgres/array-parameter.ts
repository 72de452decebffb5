import { encodeUtf8 } from '@sotto/core';

/** PostgreSQL's numbers of the types of elements (`pg_type.dat`). */
const BYTEA = 17;
const TEXT = 25;
/** Dimensions, flags, type of the elements, length and lower bound of the one dimension: 4 bytes each. */
const HEADER_LENGTH = 20;
/** Before each element. */
const LENGTH_LENGTH = 4;

/** An array of texts in PostgreSQL's binary format; fresh. As text, an array of bytes would be sent in hex. */
export function encodeTextArray(texts: readonly string[]): Uint8Array {
  return encodeArray(TEXT, texts.map(encodeUtf8));
}

/** An array of byte strings in PostgreSQL's binary format; fresh. */
export function encodeBytesArray(values: readonly Uint8Array[]): Uint8Array {
  return encodeArray(BYTEA, values);
}

/** The format that `array_recv` reads (`src/backend/utils/adt/arrayfuncs.c`), all numbers big-endian. */
function encodeArray(type: number, elements: readonly Uint8Array[]): Uint8Array {
  const length = elements.reduce((sum, element) => sum + LENGTH_LENGTH + element.length, HEADER_LENGTH);
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  view.setInt32(0, 1); // one dimension
  view.setInt32(4, 0); // no nulls
  view.setInt32(8, type);
  view.setInt32(12, elements.length);
  view.setInt32(16, 1); // the first index
  let at = HEADER_LENGTH;
  for (const element of elements) {
    view.setInt32(at, element.length);
    bytes.set(element, at + LENGTH_LENGTH);
    at += LENGTH_LENGTH + element.length;
  }
  return bytes;
}
