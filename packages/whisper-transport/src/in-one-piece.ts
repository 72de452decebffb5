import { decodeUtf8, encodeUtf8 } from '@sotto/core';

/**
 * The same text, for keeping. V8 has a text that was put together, as hex is, as a tree of its parts, ten times as large,
 * for as long as nobody reads it.
 */
export function inOnePiece(text: string): string {
  return decodeUtf8(encodeUtf8(text));
}
