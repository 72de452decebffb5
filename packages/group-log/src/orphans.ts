import type { ParsedChange } from './change.js';
import type { GroupLogLimits } from './limits.js';

/** A parsed change with its sender. */
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

  except(one: Orphan): Orphans {
    return this.all.includes(one) ? new Orphans(this.all.filter((other) => other !== one)) : this;
  }

  /** Adds changes up to the sender's quota; evicts the oldest of all senders to make room. */
  with(
    fresh: readonly Orphan[],
    limits: Pick<GroupLogLimits, 'orphansOfSender' | 'orphanBytesOfSender' | 'orphans' | 'orphanBytes'>,
  ): { readonly orphans: Orphans; readonly kept: ReadonlySet<string> } {
    const all = [...this.all];
    const kept = new Set<string>();
    const waiting = new Map<string, Set<string>>();
    const bytes = new Map<string, number>();
    let total = 0;
    const note = ({ sender, change }: Orphan) => {
      const own = waiting.get(sender) ?? new Set();
      waiting.set(sender, own.add(change.id));
      bytes.set(sender, (bytes.get(sender) ?? 0) + change.encoded.length);
      total += change.encoded.length;
    };
    for (const one of all) note(one);
    for (const one of fresh) {
      const { sender, change } = one;
      const own = waiting.get(sender);
      if (own?.has(change.id) !== true) {
        if ((own?.size ?? 0) >= limits.orphansOfSender) continue;
        if ((bytes.get(sender) ?? 0) + change.encoded.length > limits.orphanBytesOfSender) continue;
        all.push(one);
        note(one);
      }
      kept.add(change.id);
    }
    let gone = 0;
    while (all.length - gone > limits.orphans || total > limits.orphanBytes) {
      const { change, sender } = all[gone++] as Orphan;
      total -= change.encoded.length;
      if (sender === fresh[0]?.sender) kept.delete(change.id);
    }
    all.splice(0, gone);
    return { orphans: new Orphans(all), kept };
  }
}
