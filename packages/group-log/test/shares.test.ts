import { describe, expect, it } from 'vitest';
import { authorize } from '../src/admission.js';
import { allBits } from '../src/bits.js';
import { Graph } from '../src/graph.js';
import {
  AUTHOR_BYTES_MAX,
  AUTHOR_CHANGES_MAX,
  AUTHOR_NAMES_MAX,
  AUTHOR_REVOCATIONS_MAX,
  type ChangeKind,
  type ParsedChange,
} from '../src/index.js';
import { View } from '../src/view.js';
import { type Person, people } from './world.js';

const [ann, bob, cid, dan] = people('ann', 'bob', 'cid', 'dan') as [Person, Person, Person, Person];
const LENGTH = 100;

let made = 0;
/** A change of so many bytes, as if it had been parsed. */
function change(
  { hex }: Person,
  kind: ChangeKind,
  { names = [], length = LENGTH }: { names?: readonly string[]; length?: number } = {},
): ParsedChange {
  const id = `${made++}`.padStart(64, '0');
  return {
    id,
    author: hex,
    kind,
    groupId: 'g',
    parents: [],
    time: 0,
    name: undefined,
    names: kind === 'leave' ? [hex] : names,
    encoded: new Uint8Array(length),
  };
}

/** Ann's group, in which Bob is the other administrator. */
class Group {
  readonly graph = new Graph();

  constructor() {
    this.add(change(ann, 'create', { names: [bob.hex, cid.hex, dan.hex] }));
    this.add(change(ann, 'promote', { names: [bob.hex] }));
  }

  /** Adds a change as if it was admitted, on all that there are or on some. */
  add(one: ParsedChange, on?: readonly number[]): number {
    const { graph } = this;
    const parents = on ?? (graph.length === 0 ? [] : [graph.length - 1]);
    const rank = { depth: 0, id: '', position: one.author === ann.hex ? -1 : 0 };
    const isFirst = graph.length === 0;
    const authority = {
      memberGrants: isFirst ? [] : [0],
      adminGrant: isFirst ? -1 : one.author === ann.hex ? 0 : 1,
      premises: [],
      rank,
    };
    return graph.append(one, parents, authority, graph.length);
  }

  /** Adds so many of them, one on the other. */
  fill(count: number, ...input: Parameters<typeof change>): this {
    for (let at = 0; at < count; at++) this.add(change(...input));
    return this;
  }

  /** Whether a change on all of them is admitted: what it rests on, or the details of the refusal. */
  judge(one: ParsedChange, ancestors = allBits(this.graph.length)) {
    try {
      return authorize(this.graph, View.of(this.graph, ancestors), ancestors, one);
    } catch (error) {
      return (error as { details?: unknown }).details;
    }
  }
}

const admitted = { memberGrants: [0] };
const nobody = '02'.padEnd(66, '0');

/** What fills a share, what is refused when it is full, and by which cap. */
const caps: readonly {
  readonly what: string;
  readonly limit: number;
  /** A group in which Bob's share has so much. */
  readonly filled: (used: number) => Group;
  /** What one change adds to it. */
  readonly step: number;
  readonly refused: () => ParsedChange;
  readonly taken: () => ParsedChange;
}[] = [
  {
    what: 'changes of a group by one author',
    limit: AUTHOR_CHANGES_MAX,
    filled: (used) => new Group().fill(used, bob, 'rename'),
    step: 1,
    refused: () => change(bob, 'rename'),
    taken: () => change(bob, 'remove', { names: [cid.hex] }),
  },
  {
    what: 'bytes of changes by one author',
    limit: AUTHOR_BYTES_MAX,
    filled: (used) =>
      new Group().fill(1, bob, 'rename', { length: used - 1 }).fill(1, bob, 'rename', { length: 1 }),
    step: LENGTH,
    refused: () => change(bob, 'rename'),
    taken: () => change(bob, 'leave'),
  },
  {
    what: 'revocations by one author',
    limit: AUTHOR_REVOCATIONS_MAX,
    filled: (used) => new Group().fill(used, bob, 'remove', { names: [nobody] }),
    step: 1,
    refused: () => change(bob, 'remove', { names: [cid.hex] }),
    taken: () => change(bob, 'rename'),
  },
  {
    what: 'bytes of revocations by one author',
    limit: AUTHOR_BYTES_MAX,
    filled: (used) => {
      const [half, rest] = [Math.floor(used / 2), Math.ceil(used / 2)];
      return new Group()
        .fill(1, bob, 'remove', { names: [nobody], length: half })
        .fill(1, bob, 'demote', { names: [nobody], length: rest });
    },
    step: LENGTH,
    refused: () => change(bob, 'remove', { names: [cid.hex] }),
    taken: () => change(bob, 'add', { names: [nobody] }),
  },
  {
    what: 'identities added by one author',
    limit: AUTHOR_NAMES_MAX,
    filled: (used) =>
      new Group()
        .fill(1, bob, 'add', { names: Array(used - 7).fill(nobody) })
        .fill(1, bob, 'add', { names: Array(7).fill(nobody) })
        // So that it may be added again.
        .fill(1, ann, 'remove', { names: [nobody] }),
    step: 1,
    refused: () => change(bob, 'add', { names: [nobody] }),
    taken: () => change(bob, 'promote', { names: [cid.hex] }),
  },
];

describe.each(caps)('$what', ({ what, limit, filled, step, refused, taken }) => {
  const full = filled(limit - step + 1);

  it('are admitted up to the cap, and refused one beyond', () => {
    expect(filled(limit - step).judge(refused())).toMatchObject(admitted);
    expect(full.judge(refused())).toEqual({ what, limit, actual: limit + 1 });
  });

  it('leave what is counted apart to the author', () => {
    expect(full.judge(taken())).toMatchObject(admitted);
  });

  it('leave everything to others', () => {
    const one = refused();
    expect(full.judge({ ...one, author: ann.hex })).toMatchObject(admitted);
  });

  it('count among the ancestors alone', () => {
    const group = filled(limit - step);
    // Bob makes one more, aside.
    const one = refused();
    group.add({ ...one, id: 'aside', names: one.kind === 'add' ? one.names : [] }, [1]);
    const all = allBits(group.graph.length);
    const without = allBits(group.graph.length - 1);
    expect(group.judge(refused(), without)).toMatchObject(admitted);
    expect(group.judge(refused(), all)).toEqual({ what, limit, actual: limit + step });
  });
});

describe('a claim', () => {
  /** Ann, who leads alone, is gone; Bob is the eldest. */
  function abandoned(before: (group: Group) => void): Group {
    const group = new Group();
    group.add(change(bob, 'demote', { names: [bob.hex] }));
    before(group);
    group.add(change(ann, 'leave'));
    return group;
  }
  const claim = () => change(bob, 'promote', { names: [bob.hex] });

  it('is counted with the revocations, and has their room', () => {
    const busy = abandoned((group) => group.fill(AUTHOR_CHANGES_MAX, bob, 'rename'));
    const [leave, demotion] = [busy.graph.length - 1, 2];
    expect(demotion).toBeLessThan(leave);
    expect(busy.judge(claim())).toEqual({
      memberGrants: [0],
      adminGrant: -1,
      premises: [leave],
      rank: expect.objectContaining({ depth: Number.MAX_SAFE_INTEGER }),
    });
    // With the demotion that is one too many.
    const spent = abandoned((group) =>
      group.fill(AUTHOR_REVOCATIONS_MAX - 1, bob, 'remove', { names: [nobody] }),
    );
    expect(spent.judge(claim())).toEqual({
      what: 'revocations by one author',
      limit: AUTHOR_REVOCATIONS_MAX,
      actual: AUTHOR_REVOCATIONS_MAX + 1,
    });
  });

  it('that was admitted is counted so as well', () => {
    const group = abandoned(() => {});
    const leave = group.graph.length - 1;
    const rank = { depth: Number.MAX_SAFE_INTEGER, id: '', position: 0 };
    const index = group.graph.append(
      claim(),
      [leave],
      { memberGrants: [0], adminGrant: -1, premises: [leave], rank },
      leave + 1,
    );
    expect(group.graph.at(index).isReserved).toBe(true);
    expect(group.graph.at(leave).isReserved).toBe(true);
    expect(group.graph.shareOf(bob.hex)).toEqual({
      changes: 0,
      bytes: 0,
      reserved: 2,
      reservedBytes: 2 * LENGTH,
      leaves: 0,
      names: 0,
    });
    expect(group.graph.shareOf(ann.hex)).toMatchObject({ changes: 2, reserved: 1, leaves: 1 });
    expect(group.graph.shareOf(dan.hex)).toMatchObject({ changes: 0, reserved: 0 });
  });
});

it('leaving is a revocation: who has spent those can not leave, and can be put out', () => {
  const group = new Group().fill(AUTHOR_REVOCATIONS_MAX, bob, 'demote', { names: [nobody] });
  const limit = AUTHOR_REVOCATIONS_MAX;
  expect(group.judge(change(bob, 'leave'))).toEqual({
    what: 'revocations by one author',
    limit,
    actual: limit + 1,
  });
  expect(group.judge(change(ann, 'remove', { names: [bob.hex] }))).toMatchObject(admitted);
});

it('names count when they are added, not when they are removed, promoted or created', () => {
  const group = new Group();
  const { graph } = group;
  expect(graph.shareOf(ann.hex)).toMatchObject({ names: 0, changes: 2, bytes: 2 * LENGTH });
  group.fill(1, ann, 'add', { names: [nobody, nobody] }).fill(1, ann, 'remove', { names: [nobody] });
  expect(graph.shareOf(ann.hex)).toMatchObject({ names: 2, changes: 3, reserved: 1 });
  expect(graph.bytes).toBe(4 * LENGTH);
});
