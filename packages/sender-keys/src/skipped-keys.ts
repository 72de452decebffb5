/** A message key kept for a message that hasn't arrived yet. Secret. */
export interface SkippedKey {
  /** Number of the message. */
  readonly index: number;
  /** 32 bytes. */
  readonly messageKey: Uint8Array;
}

/** Changes to the stored skipped keys, to be made in the same atomic write as the next state. */
export interface SkippedKeyChanges {
  /** Keys to store. */
  readonly stored: readonly SkippedKey[];
  /** Numbers of those to delete. */
  readonly deleted: readonly number[];
}

/** Messages `first .. first + count - 1`. */
export interface SkippedRun {
  /** Number of the first. */
  readonly first: number;
  /** How many, at least one. */
  readonly count: number;
}

/** How many numbers the runs have. */
export function countSkipped(runs: readonly SkippedRun[]): number {
  return runs.reduce((sum, { count }) => sum + count, 0);
}

/** Every number of the runs, ascending. For deleting a chain. */
export function* listSkipped(runs: readonly SkippedRun[]): Generator<number> {
  for (const { first, count } of runs) for (let i = 0; i < count; i++) yield first + i;
}

/** Whether the runs have a number. */
export function hasSkipped(runs: readonly SkippedRun[], index: number): boolean {
  return runs.some(({ first, count }) => index >= first && index < first + count);
}

/** The runs without a number. */
export function withoutSkipped(runs: readonly SkippedRun[], index: number): readonly SkippedRun[] {
  return runs.flatMap((run) => {
    const { first, count } = run;
    if (index < first || index >= first + count) return [run];
    const before = { first, count: index - first };
    const after = { first: index + 1, count: first + count - index - 1 };
    return [before, after].filter((part) => part.count > 0);
  });
}

/** Drops the lowest numbers, so that so many at most are left. */
export function evictSkipped(
  runs: readonly SkippedRun[],
  most: number,
): { readonly kept: readonly SkippedRun[]; readonly evicted: readonly number[] } {
  let excess = countSkipped(runs) - most;
  const evicted: number[] = [];
  const kept: SkippedRun[] = [];
  for (const { first, count } of runs) {
    const drop = Math.min(count, Math.max(0, excess));
    for (let i = 0; i < drop; i++) evicted.push(first + i);
    excess -= drop;
    if (drop < count) kept.push({ first: first + drop, count: count - drop });
  }
  return { kept, evicted };
}
