import { describe, expect, it } from 'vitest';
import { drawChart } from '../src/chart.js';
import { contestants } from '../src/contestants.js';
import type { Results } from '../src/race.js';
import { race } from '../src/race.js';
import { scenarios } from '../src/scenarios.js';
import { createSotto } from '../src/sotto.js';
import { figureOf, formatCount, formatRatio } from '../src/statistics.js';
import { formatTable } from '../src/table.js';
import { judgeTargets } from '../src/targets.js';

const steady = (value: number) => ({ median: value, min: value, max: value });
const ours = contestants.filter(({ kind }) => kind === 'sotto');

describe('figures', () => {
  it('are medians with their spread', () => {
    expect(figureOf([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3 });
    expect(figureOf([4, 1])).toEqual({ median: 2.5, min: 1, max: 4 });
    expect(() => figureOf([])).toThrow();
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
  it('has a figure for each of ours in each scenario', async () => {
    const results = await race({
      contestants: ours,
      scenarios: scenarios.map(({ id }) => id),
      rounds: 1,
      milliseconds: 1,
      onProgress: () => {},
    });
    for (const { id } of scenarios) {
      for (const contestant of ours) {
        expect(results.get(id)?.get(contestant.id), `${id}, ${contestant.id}`).toMatchObject({
          median: expect.any(Number),
        });
      }
    }
  }, 120_000);

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
    expect(lines[0]).toMatch(/^missed.*1\.25x of the best rival; 1\.50x is aimed at$/);
    expect(lines[1]).toMatch(/^met .*5\.00x of libsignal-client; 4\.00x is aimed at$/);
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
