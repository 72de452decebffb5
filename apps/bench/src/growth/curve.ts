import type { Results } from '../race.js';
import { type Figure, figureOf, formatCount } from '../statistics.js';
import { markdownTable } from '../table.js';

/** How one figure grows with one quantity. */
export interface Curve {
  readonly id: string;
  /** What is measured, with its unit. */
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
}

/** What is asked of a curve. */
export interface Aim {
  readonly what: string;
  readonly value: number;
  readonly most: number;
  readonly unit: string;
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

/** A table for each curve: a row a line, a column for each size. */
export function formatCurve({ title, along, lines }: Curve): string {
  const sizes = [...new Set(lines.flatMap(({ points }) => points.map(({ at }) => at)))].sort((a, b) => a - b);
  const rows = lines.map(({ title: line, points }) => [
    line,
    ...sizes.map((size) => {
      const figure = points.find(({ at }) => at === size)?.figure;
      return figure === undefined ? '-' : formatFigure(figure);
    }),
  ]);
  return [`${title}, by ${along}`, '', markdownTable([along, ...sizes.map(formatCount)], rows)].join('\n');
}

function formatFigure({ median, min, max }: Figure): string {
  const spread = min === max ? '' : ` (${formatCount(min)}–${formatCount(max)})`;
  return `${formatCount(median)}${spread}`;
}

/** A line that says whether an aim is met. */
export function judgeAim({ what, value, most, unit }: Aim): string {
  const verdict = value <= most ? 'met   ' : 'missed';
  return `${verdict}  ${what}: ${formatCount(value)}${unit}; at most ${formatCount(most)}${unit} is aimed at`;
}

/** The curves in the shape that reports are kept in. */
export function asResults(curves: readonly Curve[]): Results {
  return new Map(
    curves.map(({ title, along, lines }) => [
      `${title}, by ${along}`,
      new Map(
        lines.flatMap((line) =>
          line.points.map(({ at, figure }) => [`${line.title}, ${at}`, figure] as const),
        ),
      ),
    ]),
  );
}

interface Notes {
  readonly curve: Omit<Curve, 'lines'>;
  readonly lines: Map<string, Map<number, number[]>>;
}

/** Takes down measurements, and gives the curves in the end. */
export class Notebook {
  readonly #curves = new Map<string, Notes>();

  note(curve: Omit<Curve, 'lines'>, line: string, at: number, value: number): void {
    const { lines } = getOrMake(this.#curves, curve.id, (): Notes => ({ curve, lines: new Map() }));
    const points = getOrMake(lines, line, () => new Map());
    getOrMake(points, at, () => []).push(value);
  }

  curves(): readonly Curve[] {
    return [...this.#curves.values()].map(({ curve, lines }) => ({
      ...curve,
      lines: [...lines].map(([title, points]) => ({
        title,
        points: [...points]
          .sort(([a], [b]) => a - b)
          .map(([at, values]) => ({ at, figure: figureOf(values) })),
      })),
    }));
  }

  median({ curve, line, at }: Place): number {
    return figureOf(this.#curves.get(curve)?.lines.get(line)?.get(at) ?? [Number.NaN]).median;
  }

  /** The median of the quotients of what was measured in the same round. */
  pairedRatio(over: Place, under: Place): number {
    const [above, below] = [over, under].map(
      ({ curve, line, at }) => this.#curves.get(curve)?.lines.get(line)?.get(at) ?? [],
    ) as [number[], number[]];
    return figureOf(above.map((value, i) => value / (below[i] ?? Number.NaN))).median;
  }
}

/** Where measurements were noted. */
export interface Place {
  readonly curve: string;
  readonly line: string;
  readonly at: number;
}

function getOrMake<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const found = map.get(key);
  if (found !== undefined) return found;
  const made = make();
  map.set(key, made);
  return made;
}
