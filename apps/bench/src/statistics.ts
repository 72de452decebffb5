/** A median, and where it lies. */
export interface Interval {
  readonly median: number;
  /** From where to where the true median lies, with at least 95 %; of fewer than six values all that there is between them. */
  readonly low: number;
  readonly high: number;
}

/** Summary of several measurements. */
export interface Figure extends Interval {
  /** By the number of the round. */
  readonly rounds: ReadonlyMap<number, number>;
}

const CONFIDENCE = 0.95;

export function figureOf(values: readonly number[] | ReadonlyMap<number, number>): Figure {
  const rounds = new Map(values.entries());
  return { ...intervalOf([...rounds.values()]), rounds };
}

/**
 * The median with its interval: between the values of two ranks, whatever the distribution is. Each value is as likely above the
 * true median as below, so how many are below follows from the binomial distribution.
 */
export function intervalOf(values: readonly number[]): Interval {
  if (values.length === 0) throw new Error('nothing was measured');
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] as number;
  const median = sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2;
  const cut = valuesToCut(sorted.length);
  return { median, low: sorted[cut] as number, high: sorted[sorted.length - 1 - cut] as number };
}

/** How many values may be left out at each end, so that the others still include the true median as surely as wanted. */
function valuesToCut(count: number): number {
  let cut = 0;
  // How probable it is that exactly `cut` values lie below the true median, and that at most so many do.
  let exactly = 0.5 ** count;
  let atMost = exactly;
  while (true) {
    exactly *= (count - cut) / (cut + 1);
    atMost += exactly;
    if (atMost > (1 - CONFIDENCE) / 2) return cut;
    cut++;
  }
}

/** Whether there are enough values for the interval to be one of {@link CONFIDENCE}. */
export function isSure({ rounds }: Pick<Figure, 'rounds'>): boolean {
  return 2 * 0.5 ** rounds.size <= 1 - CONFIDENCE;
}

/**
 * How many times the best of others: round by round, so that what slows the machine down for a round slows both.
 * @returns `undefined` when there is no round in which all were measured
 */
export function ratioOf(own: Figure, others: readonly Figure[]): Figure | undefined {
  const ratios = new Map<number, number>();
  for (const [round, value] of own.rounds) {
    const rivals = others.map(({ rounds }) => rounds.get(round));
    if (rivals.every((rival) => rival !== undefined)) ratios.set(round, value / Math.max(...rivals));
  }
  return ratios.size === 0 ? undefined : figureOf(ratios);
}

/** Three significant digits, with separators between thousands. */
export function formatCount(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString('en-US');
  return Number(value.toPrecision(3)).toString();
}

/** `1.5x` */
export function formatRatio(ratio: number): string {
  return `${ratio >= 10 ? Math.round(ratio) : ratio.toFixed(2)}x`;
}
