/** `count` bytes of one value. */
export function repeated(value: number, count: number): Uint8Array {
  return new Uint8Array(count).fill(value);
}

/** A copy with bit `index` flipped, counted from the lowest of the first byte. */
export function withBitFlipped(bytes: Uint8Array, index: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[index >> 3] = (copy[index >> 3] as number) ^ (1 << (index & 7));
  return copy;
}
