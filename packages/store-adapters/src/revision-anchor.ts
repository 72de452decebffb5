/**
 * Records outside a store how many commits it has seen, so that a store that was lost, or replaced by
 * an old copy of itself, is detected when it is opened. It holds a single number, which reveals nothing. It protects from
 * accidents and careless restores, and from attackers who can't reset the anchor as well.
 *
 * When the anchor is written, the commit has already happened, so the store ignores rejections
 * of `save`; it then detects less.
 */
export interface RevisionAnchor {
  /** The number saved last, or `undefined` when there is none. */
  load(): Promise<number | undefined>;
  /** Called after each commit, one call at a time. It need not be durable immediately. */
  save(revision: number): Promise<void>;
}
