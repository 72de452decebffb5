import { concatBytes, PUBLIC_KEY_LENGTH, type PublicKey } from '@sotto/core';

/**
 * The first members of those still to be encrypted for, as copies that share one array: what is told of each is held until
 * the last, and must neither keep the whole record in memory nor take an array for each.
 */
export function nextBatch(remaining: readonly Uint8Array[], size: number): readonly PublicKey[] {
  const batch = remaining.slice(0, size);
  const bytes = concatBytes(...batch);
  return batch.map((_, i) => {
    const from = i * PUBLIC_KEY_LENGTH;
    return bytes.subarray(from, from + PUBLIC_KEY_LENGTH) as PublicKey;
  });
}
