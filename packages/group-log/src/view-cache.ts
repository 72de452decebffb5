import { LruCache } from '@sotto/core';
import { type Bits, hasBit } from './bits.js';
import type { Graph } from './graph.js';
import { View } from './view.js';

/** Most views kept: enough for the branches that a batch of changes extends. */
const KEPT = 64;

/** Views of a group by the ancestors of changes. */
export class ViewCache {
  readonly #graph: Graph;
  readonly #views = new LruCache<string, View>(KEPT);
  /** Number of views resolved from scratch. For tests, which count instead of measuring time. */
  resolved = 0;

  constructor(graph: Graph) {
    this.#graph = graph;
  }

  /** The group after some changes and all their ancestors, with the set of these. */
  after(parents: readonly number[]): { readonly view: View; readonly ancestors: Bits } {
    const graph = this.#graph;
    const ancestors = graph.closure(parents);
    const heads = this.#heads(parents);
    const [head = 0] = heads;
    const known = this.#views.get(heads.join());
    if (known !== undefined) return { view: known, ancestors };
    let view: View | undefined;
    // A change that builds on all the others has effect, and leaves theirs as it was.
    if (heads.length === 1)
      view = this.#views.get(this.#heads(graph.at(head).parentIndices).join())?.followedBy(head);
    if (view === undefined) {
      this.resolved++;
      view = View.of(graph, ancestors);
    }
    this.#views.set(heads.join(), view);
    return { view, ancestors };
  }

  /** Those of some changes on which none of the others builds, ascending. */
  #heads(changes: readonly number[]): readonly number[] {
    const covered = this.#graph.ancestorsOf(changes);
    return changes.filter((one) => !hasBit(covered, one)).sort((a, b) => a - b);
  }
}
