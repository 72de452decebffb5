/** Something that a sender in a group made us keep. */
export interface Kept {
  readonly groupId: string;
  readonly sender: string;
  /** Above 0. */
  readonly size: number;
}

interface Share<T> {
  size: number;
  readonly items: T[];
}

/**
 * What has to go so that a limit is kept: each time the oldest of the sender who has most, in the group that has most. So members of
 * one group, and any number of identities that somebody invents, leave alone what belongs to others.
 * @param kept oldest first
 * @param most largest sum of the sizes
 */
export function beyondLimit<T extends Kept>(kept: readonly T[], most: number): readonly T[] {
  let size = sumOf(kept);
  const gone: T[] = [];
  if (size <= most) return gone;
  const groups = sharesOf(kept, ({ groupId }) => groupId).map((group) => ({
    size: group.size,
    senders: sharesOf(group.items, ({ sender }) => sender),
  }));
  while (size > most && gone.length < kept.length) {
    const group = largest(groups);
    const sender = largest(group.senders);
    const oldest = sender.items.shift() as T;
    gone.push(oldest);
    for (const share of [group, sender]) share.size -= oldest.size;
    size -= oldest.size;
  }
  return gone;
}

function sharesOf<T extends Kept>(kept: readonly T[], nameOf: (one: T) => string): Share<T>[] {
  const shares = new Map<string, Share<T>>();
  for (const one of kept) {
    const share = shares.get(nameOf(one)) ?? { size: 0, items: [] };
    shares.set(nameOf(one), share);
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
