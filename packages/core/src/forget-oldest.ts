/**
 * Lets the oldest members of a map or set go, those put there first, once it has an eighth more than it may have.
 * Many at once and seldom: finding the first member takes the longer the more were deleted before it.
 */
export function forgetOldest<K>(known: Map<K, unknown> | Set<K>, most: number): void {
  if (known.size <= most + most / 8) return;
  for (const member of known.keys()) {
    known.delete(member);
    if (known.size <= most) return;
  }
}
