import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/** The items in an order that the seed decides; with two or more, never the order that they had. */
export function shuffled<T>(items: readonly T[], seed: number): T[] {
  const generator = xoroshiro128plus(seed);
  const result = [...items];
  do {
    for (let i = result.length - 1; i > 0; i--) {
      const j = uniformInt(generator, 0, i);
      [result[i], result[j]] = [result[j] as T, result[i] as T];
    }
  } while (items.length > 1 && result.every((item, i) => item === items[i]));
  return result;
}
