import { describe, expect, it } from 'vitest';
import { ASSUMED, simulate } from '../src/scale/simulation.js';
import { measureSizes } from '../src/scale/sizes.js';

const sizes = { text: 1_000, first: 1_500, contactCode: 800 };

describe('the simulation of many people', () => {
  it('gives the same each time', () => {
    expect(simulate(1e5, sizes)).toEqual(simulate(1e5, sizes));
  });

  it('sends and receives in agreement with what is assumed', () => {
    const quiet = { ...ASSUMED, contactsSpread: 0, toGroups: 0, strangers: 0, active: 1 };
    const { sentMean, receivedMean, topicsMean } = simulate(1e5, sizes, quiet);
    expect(sentMean / (40 * 1_000 + 4 * 800)).toBeCloseTo(1, 1);
    expect(receivedMean / (40 * 1_000 + 30 * 4 * 800)).toBeCloseTo(1, 1);
    expect(topicsMean).toBe(63);
  });

  it('loads servers in proportion, and people with the partitioned topic', () => {
    const [some, many] = [simulate(1e5, sizes), simulate(1e8, sizes)];
    expect(many.publishedPeak / some.publishedPeak).toBeGreaterThan(900);
    expect(many.publishedPeak / some.publishedPeak).toBeLessThan(1_100);
    expect([some.partition, many.partition]).toEqual([20, 20_000]);
    expect(many.foreignShare).toBeGreaterThan(50 * some.foreignShare);
  });

  it('takes the sizes of real envelopes', async () => {
    const measured = await measureSizes();
    for (const size of Object.values(measured)) {
      expect(size).toBeGreaterThan(300);
      expect(size).toBeLessThan(4_096);
    }
  });
});
