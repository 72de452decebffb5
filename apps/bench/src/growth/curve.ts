import type { Results } from '../race.js';
import { type Figure, formatCount } from '../statistics.js';
import { markdownTable } from '../table.js';

/** How a measurement grows with a quantity. */
export interface Curve {
  readonly id: string;
  /** What is measured, with its unit. Times are CPU times. */
  readonly title: string;
  /** The quantity, with its unit. */
  readonly along: string;
  readonly lines: readonly Line[];
}

/** A configuration, such as a store. */
export interface Line {
  readonly title: string;
  /** In ascending order of `at`. */
  readonly points: readonly Point[];
}

export interface Point {
  readonly at: number;
  readonly figure: Figure;
  /** For times: wall-clock time. */
  readonly wall?: Figure;
}

/** A target for a measurement. */
export interface Aim {
  readonly what: string;
  readonly most: number;
  readonly unit: string;
  /** By configuration; each must meet the target. */
  readonly values: readonly (readonly [line: string, value: number])[];
}

/** The result of one part of the measurements. */
export interface Growth {
  readonly curves: readonly Curve[];
  readonly aims: readonly Aim[];
}

/** The extent of the measurements. */
export interface Extent {
  /** Number of rounds. */
  readonly rounds: number;
  /** Only the smallest sizes. */
  readonly short: boolean;
  /** An existing directory for stores. */
  readonly folder: string;
  readonly onProgress: (text: string) => void;
}

/** A table per curve: one row per configuration, one column per size. Medians; times as CPU / wall clock. */
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

/** A row per target: whether it is met, and the measurement. */
export function formatAims(aims: readonly Aim[]): string {
  const rows = aims.map(({ what, most, unit, values }) => [
    values.every(([, value]) => value <= most) ? 'met' : 'missed',
    what,
    `${formatCount(most)}${unit}`,
    values.map(([line, value]) => `${formatCount(value)}${unit} ${line}`.trim()).join(', '),
  ]);
  return markdownTable(['', 'What', 'At most', 'Measured'], rows);
}

/** The curves in the format of stored reports. */
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
