/** Bytes that a small file is padded to. */
const SMALLEST = 1_024;

/**
 * The size that a file is padded to before encryption, so that stores learn little of its size: at most 12 % more, as Padmé has it
 * (https://lbarman.ch/blog/padme/).
 */
export function paddedSize(size: number): number {
  if (size <= SMALLEST) return SMALLEST;
  const exponent = Math.floor(Math.log2(size));
  const unit = 2 ** (exponent - (Math.floor(Math.log2(exponent)) + 1));
  return Math.ceil(size / unit) * unit;
}

/** How many parts a file has. */
export function partCount(size: number, partSize: number): number {
  return Math.ceil(paddedSize(size) / partSize);
}

/** Where a part begins, in bytes of the file; how many bytes of the file and of padding it has. */
export function partRange(
  index: number,
  size: number,
  partSize: number,
): { readonly from: number; readonly to: number; readonly padding: number } {
  const from = Math.min(index * partSize, size);
  const to = Math.min((index + 1) * partSize, size);
  const padded = Math.min((index + 1) * partSize, paddedSize(size)) - index * partSize;
  return { from, to, padding: padded - (to - from) };
}
