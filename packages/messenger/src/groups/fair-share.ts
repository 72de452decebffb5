/** Something that somebody made us keep. */
export interface Kept {
  /** Of what it takes a share, the larger one first, such as group and sender. */
  readonly of: readonly [string, string];
  /** Above 0. */
  readonly size: number;
}

interface Share<T> {
  size: number;
  readonly items: T[];
}

/**
 * What has to go so that a limit is kept: each time the oldest of the largest share within the largest share; of groups and senders, that of
 * the sender who has most, in the group that has most. So members of one group, and any number of identities that somebody invents, leave
 * alone what belongs to others.
 * @param kept oldest first
 * @param most largest sum of the sizes
 */
export function beyondLimit<T extends Kept>(kept: readonly T[], most: number): readonly T[] {
  let size = sumOf(kept);
  const gone: T[] = [];
  if (size <= most) return gone;
  const shares = sharesOf(kept, 0).map(({ size, items }) => ({ size, parts: sharesOf(items, 1) }));
  while (size > most && gone.length < kept.length) {
    const share = largest(shares);
    const part = largest(share.parts);
    const oldest = part.items.shift() as T;
    gone.push(oldest);
    for (const one of [share, part]) one.size -= oldest.size;
    size -= oldest.size;
  }
  return gone;
}

function sharesOf<T extends Kept>(kept: readonly T[], level: 0 | 1): Share<T>[] {
  const shares = new Map<string, Share<T>>();
  for (const one of kept) {
    const share = shares.get(one.of[level]) ?? { size: 0, items: [] };
    shares.set(one.of[level], share);
    share.size += one.size;
    share.items.push(one);
  }
  return [...shares.values()];
}

/** The first of the largest; there is at least one. */
function largest<T extends { readonly size: number }>(shares: readonly T[]): T {
  return shares.reduce((most, one) => (most.size >= one.size ? most : one));
}

function sumOf(kept: readonly Kept[]): number {
  return kept.reduce((sum, { size }) => sum + size, 0);
}
