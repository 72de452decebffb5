/**
 * Remembers outside of a store how far the store has come, so that on opening a store that was lost, or replaced by
 * an old copy of itself, is noticed. It holds one number that tells nothing; it protects from accidents and careless
 * restores, and from an attacker as far as they can't set it back as well.
 *
 * An anchor that can't be written is no reason to refuse a commit, which has happened: the store ignores rejections
 * of `save`, and notices less.
 */
export interface RevisionAnchor {
  /** The number saved last, or `undefined` when there is none. */
  load(): Promise<number | undefined>;
  /** Called after each commit, one call at a time. It need not be durable at once. */
  save(revision: number): Promise<void>;
}
