import { compareBytes, encodeUtf8 } from '@sotto/core';

/**
 * A map with its values converted and its keys in the byte order of their UTF-8, which is not that of JavaScript
 * strings: surrogates sort before U+E000.
 * @throws INVALID_TEXT when a key has a lone surrogate
 */
export function sortByKey<V, W>(map: ReadonlyMap<string, V>, convert: (value: V) => W): Map<string, W> {
  const entries = Array.from(map, ([key, value]) => ({ order: encodeUtf8(key), key, value: convert(value) }));
  entries.sort((a, b) => compareBytes(a.order, b.order));
  return new Map(entries.map(({ key, value }) => [key, value]));
}
