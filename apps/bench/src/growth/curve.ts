import type { Results } from '../race.js';
import { type Figure, formatCount } from '../statistics.js';
import { markdownTable } from '../table.js';

/** How one figure grows with one quantity. */
export interface Curve {
  readonly id: string;
  /** What is measured, with its unit. Times are those of processors. */
  readonly title: string;
  /** The quantity that grows, with its unit. */
  readonly along: string;
  readonly lines: readonly Line[];
}

/** One way to put it together, such as a store. */
export interface Line {
  readonly title: string;
  /** In ascending order of `at`. */
  readonly points: readonly Point[];
}

export interface Point {
  readonly at: number;
  readonly figure: Figure;
  /** Of times: what passed on the wall. */
  readonly wall?: Figure;
}

/** What is asked of what was measured. */
export interface Aim {
  readonly what: string;
  readonly most: number;
  readonly unit: string;
  /** By the way it is put together; all of them have to be met. */
  readonly values: readonly (readonly [line: string, value: number])[];
}

/** What one part of the measurements comes to. */
export interface Growth {
  readonly curves: readonly Curve[];
  readonly aims: readonly Aim[];
}

/** How much is measured. */
export interface Extent {
  /** Times that each is measured. */
  readonly rounds: number;
  /** The smallest sizes only. */
  readonly short: boolean;
  /** A folder that is there, for stores. */
  readonly folder: string;
  readonly onProgress: (text: string) => void;
}

/** A table for each curve: a row a line, a column for each size. Medians; of times, of processors / on the wall. */
export function formatCurve({ title, along, lines }: Curve): string {
  const sizes = [...new Set(lines.flatMap(({ points }) => points.map(({ at }) => at)))].sort((a, b) => a - b);
  const rows = lines.map(({ title: line, points }) => [
    line,
    ...sizes.map((size) => {
      const point = points.find(({ at }) => at === size);
      return point === undefined ? '-' : formatPoint(point);
    }),
  ]);
  return markdownTable([`${title}, by ${along}`, ...sizes.map(formatCount)], rows);
}

function formatPoint({ figure, wall }: Point): string {
  const median = formatCount(figure.median);
  return wall === undefined ? median : `${median} / ${formatCount(wall.median)}`;
}

/** A row for each aim: whether it is met, and what was measured. */
export function formatAims(aims: readonly Aim[]): string {
  const rows = aims.map(({ what, most, unit, values }) => [
    values.every(([, value]) => value <= most) ? 'met' : 'missed',
    what,
    `${formatCount(most)}${unit}`,
    values.map(([line, value]) => `${formatCount(value)}${unit} ${line}`.trim()).join(', '),
  ]);
  return markdownTable(['', 'What', 'At most', 'Measured'], rows);
}

/** The curves in the shape that reports are kept in. */
export function asResults(curves: readonly Curve[]): Results {
  return new Map(
    curves.map(({ title, along, lines }) => [
      `${title}, by ${along}`,
      new Map(
        lines.flatMap((line) =>
          line.points.flatMap(({ at, figure, wall }) => [
            [`${line.title}, ${at}`, figure] as const,
            ...(wall === undefined ? [] : [[`${line.title}, ${at}, on the wall`, wall] as const]),
          ]),
        ),
      ),
    ]),
  );
}
