import { Moments, welch } from './welch.js';

/** An operation, with inputs of two classes that an attacker would like to tell apart by time. */
export interface TimedOperation {
  readonly what: string;
  /** What differs between the classes. */
  readonly classes: string;
  /** Prepares a run: a new input of a class, made so that both classes are made in the same way. */
  prepare(isSecond: boolean): () => unknown;
}

/** How long it is measured, and by what. */
export interface Measuring {
  readonly milliseconds: number;
  /** 0 to below 1. */
  random(): number;
  /** Nanoseconds. */
  now(): bigint;
}

/** How far apart the times of two classes are. */
export interface Leakage {
  /** The largest |t| of all thresholds. */
  readonly t: number;
  readonly measurements: number;
  /** Difference of the medians, as a part of the median. */
  readonly difference: number;
}

/** Inputs that are prepared at a time, in random order, so that preparing one doesn't disturb measuring it. */
const BATCH = 200;
/** Slower measurements than these percentiles are left out, as they come from the machine; 1 keeps all. */
const CROPS = [0.5, 0.75, 0.9, 0.95, 1];

/**
 * Measures whether the time of an operation depends on the class of its input, as dudect does (Reparaz, Balasch, Verbauwhede,
 * "Dude, is my code constant time?", DATE 2017): a fixed class against another one in random order, and Welch's t-test with several
 * thresholds above which measurements are dropped.
 */
export function measureLeakage(operation: TimedOperation, { milliseconds, random, now }: Measuring): Leakage {
  const times: [number[], number[]] = [[], []];
  const end = now() + BigInt(milliseconds) * 1_000_000n;
  for (let batch = 0; now() < end || batch < 3; batch++) {
    const runs = Array.from({ length: BATCH }, () => {
      const which = random() < 0.5 ? 0 : 1;
      return { which, run: operation.prepare(which === 1) } as const;
    });
    for (const { which, run } of runs) {
      const start = now();
      run();
      const elapsed = Number(now() - start);
      // The first batch is compiled while it runs.
      if (batch > 0) times[which].push(elapsed);
    }
  }
  const all = [...times[0], ...times[1]].sort((a, b) => a - b);
  const most = CROPS.map((crop) => {
    const threshold = all[Math.ceil(crop * all.length) - 1] as number;
    const [one, other] = times.map((list) => {
      const moments = new Moments();
      for (const time of list) if (time <= threshold) moments.add(time);
      return moments;
    }) as [Moments, Moments];
    return Math.abs(welch(one, other));
  });
  const [first, second] = times.map(medianOf) as [number, number];
  return { t: Math.max(...most), measurements: all.length, difference: (second - first) / first };
}

function medianOf(list: readonly number[]): number {
  return [...list].sort((a, b) => a - b)[list.length >> 1] ?? 0;
}
