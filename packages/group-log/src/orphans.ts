import type { ParsedChange } from './change.js';
import type { GroupLogLimits } from './limits.js';

/** A change that was read, with who sent it. */
export interface Orphan {
  readonly change: ParsedChange;
  /** In hex. */
  readonly sender: string;
}

/** Changes that wait for their ancestors, oldest first. Their signatures have not been verified. Immutable. */
export class Orphans {
  static readonly none = new Orphans([]);
  readonly all: readonly Orphan[];

  private constructor(all: readonly Orphan[]) {
    this.all = all;
  }

  get size(): number {
    return this.all.length;
  }

  without(ids: ReadonlySet<string>): Orphans {
    if (ids.size === 0 || this.all.length === 0) return this;
    return new Orphans(this.all.filter(({ change }) => !ids.has(change.id)));
  }

  /** With more, as far as the sender's quota goes; for these, the oldest of all senders make room. */
  with(
    fresh: readonly Orphan[],
    limits: Pick<GroupLogLimits, 'orphansOfSender' | 'orphanBytesOfSender' | 'orphans' | 'orphanBytes'>,
  ): { readonly orphans: Orphans; readonly kept: ReadonlySet<string> } {
    const all = [...this.all];
    const kept = new Set<string>();
    const isWaiting = (one: Orphan) =>
      all.some(({ change, sender }) => change.id === one.change.id && sender === one.sender);
    for (const one of fresh) {
      if (isWaiting(one)) {
        kept.add(one.change.id);
        continue;
      }
      const own = all.filter(({ sender }) => sender === one.sender);
      if (own.length >= limits.orphansOfSender) continue;
      if (bytesOf(own) + one.change.encoded.length > limits.orphanBytesOfSender) continue;
      all.push(one);
      kept.add(one.change.id);
    }
    while (all.length > limits.orphans || bytesOf(all) > limits.orphanBytes) {
      const gone = all.shift();
      if (gone !== undefined) kept.delete(gone.change.id);
    }
    return { orphans: new Orphans(all), kept };
  }
}

function bytesOf(orphans: readonly Orphan[]): number {
  return orphans.reduce((bytes, { change }) => bytes + change.encoded.length, 0);
}
