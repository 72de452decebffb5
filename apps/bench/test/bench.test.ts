import { describe, expect, it } from 'vitest';
import { drawChart } from '../src/chart.js';
import { contestants } from '../src/contestants.js';
import type { Results } from '../src/race.js';
import { Race, race } from '../src/race.js';
import { measuredOf, verdictOn } from '../src/report.js';
import { scenarios } from '../src/scenarios.js';
import { createSotto } from '../src/sotto.js';
import { figureOf, formatCount, formatRatio, intervalOf, ratioOf } from '../src/statistics.js';
import { formatTable } from '../src/table.js';
import { judgeTargets, undecidedOf } from '../src/targets.js';

const steady = (value: number) => figureOf(Array(6).fill(value));
const ours = contestants.filter(({ kind }) => kind === 'sotto');

describe('figures', () => {
  it('are medians with their intervals', () => {
    expect(figureOf([3, 1, 2])).toMatchObject({ median: 2, low: 1, high: 3 });
    expect(figureOf([4, 1])).toMatchObject({ median: 2.5, low: 1, high: 4 });
    expect(() => figureOf([])).toThrow();
  });

  // Of the tables for the sign test: which ranks include the median with 95 %.
  it.each([
    [6, 1, 6],
    [8, 1, 8],
    [9, 2, 8],
    [12, 3, 10],
    [20, 6, 15],
    [30, 10, 21],
  ])('of %s values, the median lies between those of ranks %s and %s', (count, low, high) => {
    const values = Array.from({ length: count }, (_, i) => count - i);
    expect(intervalOf(values)).toMatchObject({ low, high });
  });

  it('have ratios by round, so that what slows a round slows both', () => {
    const slow = [1, 0.5, 0.1, 1, 0.3, 0.9];
    const [own, other] = [figureOf(slow.map((pace) => 200 * pace)), figureOf(slow.map((pace) => 100 * pace))];
    expect(ratioOf(own, [other])).toMatchObject({ median: 2, low: 2, high: 2 });
    expect(ratioOf(own, [figureOf(new Map([[7, 1]]))])).toBeUndefined();
    const better = figureOf(new Map([[1, 400]]));
    expect(ratioOf(own, [other, better])).toMatchObject({ median: 0.25, rounds: new Map([[1, 0.25]]) });
  });

  it('decide nothing while the aim lies within the interval, or there are too few', () => {
    const ratio = figureOf([0.9, 1.1, 1.2, 1.2, 1.3, 1.4]);
    expect([0.8, 1, 1.5].map((least) => verdictOn(ratio, least))).toEqual(['met', 'undecided', 'missed']);
    expect(verdictOn(figureOf([2, 2, 2, 2, 2]), 1)).toBe('undecided');
  });

  it('are written with what counts of them', () => {
    expect([12_345.6, 99.26, 0.012_34].map(formatCount)).toEqual(['12,346', '99.3', '0.0123']);
    expect([1.499, 12.3].map(formatRatio)).toEqual(['1.50x', '12x']);
  });
});

describe('a contestant of ours', () => {
  it.each(ours.map(({ id }) => id))(
    '%s opens what it sealed, both ways, shuffled, and notices a change',
    async (id) => {
      const [a, b] = await (await createSotto(id)).begin();
      const plaintext = Uint8Array.from({ length: 1000 }, (_, i) => i);
      expect(b.decrypt(a.encrypt(plaintext))).toEqual(plaintext);
      expect(a.decrypt(b.encrypt(plaintext))).toEqual(plaintext);
      const messages = [1, 2, 3].map(() => a.encrypt(plaintext));
      for (const message of messages.reverse()) expect(b.decrypt(message)).toEqual(plaintext);
      const damaged = a.encrypt(plaintext) as Uint8Array;
      damaged[200] = (damaged[200] as number) ^ 1;
      expect(() => b.decrypt(damaged)).toThrow();
    },
  );
});

describe('a race', () => {
  it('has a figure for each of ours, and for its primitives alone, in each scenario', async () => {
    const measured = contestants.filter(({ kind }) => kind !== 'rival');
    const results = await race({
      contestants: measured,
      scenarios: scenarios.map(({ id }) => id),
      rounds: 1,
      milliseconds: 1,
      onProgress: () => {},
    });
    for (const { id } of scenarios) {
      for (const contestant of measured) {
        expect(results.get(id)?.get(contestant.id), `${id}, ${contestant.id}`).toMatchObject({
          median: expect.any(Number),
        });
      }
    }
  }, 120_000);

  it('counts the rounds of later heats after those of earlier ones', async () => {
    const contestants = ours.slice(0, 2);
    const [first, second] = contestants.map(({ id }) => id) as [string, string];
    const race = new Race(contestants);
    const heat = { scenarios: ['64 B' as const], milliseconds: 1, onProgress: () => {} };
    try {
      await race.run({ ...heat, rounds: 2 });
      await race.run({ ...heat, rounds: 1, only: [first] });
      await race.run({ ...heat, rounds: 1 });
    } finally {
      await race.end();
    }
    const figures = race.results().get('64 B');
    const roundsOf = (id: string) => [...(measuredOf(figures, id)?.rounds.keys() ?? [])];
    expect(roundsOf(first)).toEqual([0, 1, 2, 3]);
    expect(roundsOf(second)).toEqual([0, 1, 3]);
  });

  it('goes on without a contestant that fails, and says why', async () => {
    const nobody = { id: 'sotto-nobody', title: 'Nobody', kind: 'sotto', portable: true } as const;
    const results = await race({
      contestants: [nobody],
      scenarios: ['64 B'],
      rounds: 2,
      milliseconds: 1,
      onProgress: () => {},
    });
    expect(results.get('64 B')?.get('sotto-nobody')).toMatch(/^failed: /);
  });
});

describe('what it says', () => {
  const results: Results = new Map([
    [
      '1 KiB',
      new Map<string, ReturnType<typeof steady> | string>([
        ['sotto-accelerated', steady(15_000)],
        ['libsignal-client', steady(3_000)],
        ['libsignal-node', steady(12_000)],
        ['olm', 'failed: no memory'],
      ]),
    ],
  ]);

  it('judges what was measured and nothing else', () => {
    const lines = judgeTargets(results);
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(/^missed.*1\.25x \(1\.25x to 1\.25x\) of the best rival; 1\.50x is aimed at$/);
    expect(lines[1]).toMatch(/^met .*5\.00x \(5\.00x to 5\.00x\) of libsignal-client; 4\.00x is aimed at$/);
    expect(undecidedOf(results)).toEqual(new Map());
  });

  it('measures again those whose target is undecided', () => {
    const wide = figureOf([1, 2, 3, 4, 5, 60].map((value) => 5_000 * value));
    const unsure: Results = new Map([
      ['1 KiB', new Map(results.get('1 KiB')).set('sotto-accelerated', wide)],
    ]);
    expect(undecidedOf(unsure)).toEqual(
      new Map([['1 KiB', ['sotto-accelerated', 'libsignal-client', 'libsignal-node']]]),
    );
  });

  it('has a table and a chart with a row for each', () => {
    const table = formatTable(results, contestants);
    expect(table).toContain('15,000 (15,000–15,000)');
    expect(table).toContain('failed');
    const chart = drawChart(results, 'a machine with <cores>');
    expect(chart.match(/<rect /g)).toHaveLength(1 + 3);
    expect(chart).toContain('&lt;cores>');
  });
});
