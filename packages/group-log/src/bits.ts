/** A set of small numbers as bits, 32 in a word; bits beyond the array are 0. */
export type Bits = Uint32Array;

/** An empty set with room for the numbers below `length`. */
export function newBits(length: number): Bits {
  return new Uint32Array((length + 31) >>> 5);
}

/** A copy with room for the numbers below `length`. */
export function copyBits(bits: Bits, length: number): Bits {
  const copy = newBits(length);
  copy.set(bits.length > copy.length ? bits.subarray(0, copy.length) : bits);
  return copy;
}

export function hasBit(bits: Bits, index: number): boolean {
  return (((bits[index >>> 5] ?? 0) >>> (index & 31)) & 1) === 1;
}

export function setBit(bits: Bits, index: number): void {
  bits[index >>> 5] = (bits[index >>> 5] ?? 0) | (1 << (index & 31));
}

export function clearBit(bits: Bits, index: number): void {
  bits[index >>> 5] = (bits[index >>> 5] ?? 0) & ~(1 << (index & 31));
}

/** Adds all of another set, which has to fit. */
export function addBits(bits: Bits, other: Bits): void {
  for (let word = 0; word < other.length; word++) bits[word] = (bits[word] ?? 0) | (other[word] as number);
}

/** The numbers in ascending order. */
export function* eachBit(bits: Bits): Generator<number, void> {
  for (let word = 0; word < bits.length; word++) {
    let rest = bits[word] as number;
    while (rest !== 0) {
      const low = rest & -rest;
      yield (word << 5) + (31 - Math.clz32(low));
      rest ^= low;
    }
  }
}

/** The numbers that are in exactly one of two sets. */
export function differing(a: Bits, b: Bits): Bits {
  const difference = new Uint32Array(Math.max(a.length, b.length));
  for (let word = 0; word < difference.length; word++) difference[word] = (a[word] ?? 0) ^ (b[word] ?? 0);
  return difference;
}

/** All numbers below `length`. */
export function allBits(length: number): Bits {
  const bits = newBits(length).fill(0xffffffff);
  if (length % 32 !== 0) bits[bits.length - 1] = 2 ** (length % 32) - 1;
  return bits;
}
