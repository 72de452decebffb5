import { figureOf } from '../statistics.js';
import type { Curve } from './curve.js';
import type { Spent } from './stopwatch.js';

interface Noted {
  readonly values: number[];
  /** For times: wall-clock time. */
  readonly walls: number[];
}

interface Notes {
  readonly curve: Omit<Curve, 'lines'>;
  readonly lines: Map<string, Map<number, Noted>>;
}

/** The configuration and size of a measurement. */
export interface Place {
  readonly curve: string;
  readonly line: string;
  readonly at: number;
}

/** Collects measurements and returns them as curves. */
export class Notebook {
  readonly #curves = new Map<string, Notes>();

  /** @param value times in the unit of the curve */
  note(curve: Omit<Curve, 'lines'>, line: string, at: number, value: number | Spent): void {
    const { lines } = getOrMake(this.#curves, curve.id, (): Notes => ({ curve, lines: new Map() }));
    const points = getOrMake(lines, line, () => new Map<number, Noted>());
    const { values, walls } = getOrMake(points, at, (): Noted => ({ values: [], walls: [] }));
    if (typeof value === 'number') values.push(value);
    else {
      values.push(value.processor);
      walls.push(value.wall);
    }
  }

  curves(): readonly Curve[] {
    return [...this.#curves.values()].map(({ curve, lines }) => ({
      ...curve,
      lines: [...lines].map(([title, points]) => ({
        title,
        points: [...points]
          .sort(([a], [b]) => a - b)
          .map(([at, { values, walls }]) => ({
            at,
            figure: figureOf(values),
            ...(walls.length > 0 && { wall: figureOf(walls) }),
          })),
      })),
    }));
  }

  median(place: Place): number {
    return figureOf(this.#noted(place)?.values ?? NOTHING).median;
  }

  /** The median wall-clock time. */
  medianWall(place: Place): number {
    return figureOf(this.#noted(place)?.walls ?? NOTHING).median;
  }

  /** The median of the quotients of two measurements of the same round. */
  pairedRatio(over: Place, under: Place): number {
    const below = this.#noted(under)?.values;
    const quotients = this.#noted(over)?.values.map((value, i) => value / (below?.[i] ?? Number.NaN));
    return figureOf(quotients ?? NOTHING).median;
  }

  #noted({ curve, line, at }: Place): Noted | undefined {
    return this.#curves.get(curve)?.lines.get(line)?.get(at);
  }
}

const NOTHING = [Number.NaN];

function getOrMake<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const found = map.get(key);
  if (found !== undefined) return found;
  const made = make();
  map.set(key, made);
  return made;
}
