/** First byte of a short list and of a long one; below are strings. */
const LIST = 0xc0;
const LONG_LIST = 0xf8;
const SHORT_STRING = 0x80;
const LONG_STRING = 0xb8;

/**
 * Whether RLP is one list of so many byte strings, going by the prefixes alone. To be asked before the library decodes:
 * that goes down into lists within lists, copying what is left at each step, so that a megabyte of nothing but
 * list prefixes would cost it gigabytes.
 */
export function isFlatList(bytes: Uint8Array, items: number): boolean {
  const first = bytes[0];
  if (first === undefined || first < LIST) return false;
  let at = first < LONG_LIST ? 1 : 2 + first - LONG_LIST;
  let count = 0;
  while (at < bytes.length) {
    const prefix = bytes[at] as number;
    if (prefix >= LIST || ++count > items) return false;
    if (prefix < SHORT_STRING) at += 1;
    else if (prefix < LONG_STRING) at += 1 + prefix - SHORT_STRING;
    else {
      const lengthBytes = 1 + prefix - LONG_STRING;
      let length = 0;
      for (let i = 1; i <= lengthBytes; i++) length = length * 256 + (bytes[at + i] ?? 0);
      at += 1 + lengthBytes + length;
    }
  }
  return count === items && at === bytes.length;
}
