/**
 * Writes a number of 32 bits, big-endian, at an offset. Without a DataView, for which V8 would first give a small array a buffer of its
 * own: that takes longer than all of a header's numbers.
 */
export function writeU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}
