import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { asResults, type Curve, formatCurve, judgeAim, Notebook } from '../src/growth/curve.js';
import { drawCurves } from '../src/growth/line-chart.js';
import { type Grown, growCurves, growthParts } from '../src/growth/report.js';

describe('the curves of growth, short', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sotto-bench-test-'));
  let growth: Grown;
  beforeAll(async () => {
    growth = await growCurves(Object.keys(growthParts), {
      rounds: 1,
      short: true,
      folder,
      onProgress: () => {},
    });
  }, 300_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('have a figure for each size on each line', () => {
    expect(growth.failures).toEqual([]);
    const sizes = (id: string) =>
      growth.curves
        .find((curve) => curve.id === id)
        ?.lines.map(({ title, points }) => [title, points.map(({ at }) => at)]);
    for (const id of ['open', 'start', 'send', 'receive', 'send-commits', 'receive-commits', 'memory']) {
      expect(sizes(`sessions-${id}`), id).toEqual(
        ['LevelDB', 'SQLite', 'encrypted LevelDB'].map((store) => [store, [10, 100]]),
      );
    }
    for (const id of ['member', 'ratio', 'untold', 'memory']) {
      expect(sizes(`groups-${id}`), id).toEqual(
        ['LevelDB', 'SQLite'].flatMap((store) =>
          ['1 device', '2 devices', '3 devices'].map((devices) => [`${store}, ${devices}`, [2, 10]]),
        ),
      );
    }
    for (const store of ['LevelDB', 'SQLite']) {
      expect(sizes('devices-send')).toContainEqual([store, [1, 2, 3]]);
      expect(sizes('bodies-message')).toContainEqual([store, [64, 1020 * 1024]]);
    }
    for (const id of ['ours', 'foreign', 'listen']) {
      expect(sizes(`topics-${id}`), id).toEqual([['sealed transport', [1, 10]]]);
    }
    for (const curve of growth.curves) {
      for (const { figure } of curve.lines.flatMap(({ points }) => points)) {
        expect(figure.median, curve.title).toBeGreaterThanOrEqual(0);
      }
    }
  });

  it('come with aims that have a figure', () => {
    expect(growth.aims).toHaveLength(3 * 3 + 1 + 2 + 2);
    for (const { what, value } of growth.aims) expect(value, what).toBeGreaterThan(0);
  });

  it('keep a session record small, and make one commit of a message and one of letting it go', () => {
    const record = growth.aims.find(({ what }) => what.startsWith('session record'));
    expect(record?.value).toBeLessThanOrEqual(300);
    for (const id of ['sessions-send-commits', 'sessions-receive-commits']) {
      for (const { points } of growth.curves.find((curve) => curve.id === id)?.lines ?? []) {
        for (const { figure } of points) expect(figure.max).toBeLessThanOrEqual(2);
      }
    }
  });

  it('are printed as tables, kept, and drawn', () => {
    const chart = drawCurves(growth.curves, 'a machine');
    for (const curve of growth.curves) {
      const rows = formatCurve(curve).split('\n').slice(4);
      expect(rows).toHaveLength(curve.lines.length);
      expect(rows.join('')).not.toMatch(/NaN|undefined/);
      expect(chart).toContain(curve.title);
    }
    expect(chart).not.toMatch(/NaN|Infinity|undefined/);
    expect(asResults(growth.curves).size).toBe(growth.curves.length);
  });
});

describe('what is made of measurements', () => {
  const curve: Omit<Curve, 'lines'> = { id: 'c', title: 'Time, ms', along: 'size' };
  const notebook = new Notebook();
  // The machine became twice as slow in the second round.
  for (const [at, value] of [
    [100, 15],
    [10, 10],
    [100, 30],
    [10, 20],
  ] as const) {
    notebook.note(curve, 'a store', at, value);
  }

  it('is in order of size, with medians and spread', () => {
    expect(
      formatCurve(notebook.curves()[0] as Curve)
        .split('\n')
        .at(-1),
    ).toBe('| a store | 15 (10–20) | 22.5 (15–30) |');
  });

  it('compares what was measured in the same round', () => {
    const line = { curve: 'c', line: 'a store' };
    expect(notebook.pairedRatio({ ...line, at: 100 }, { ...line, at: 10 })).toBe(1.5);
  });

  it('says whether an aim is met', () => {
    const aim = { what: 'open', most: 1000, unit: ' ms' };
    expect(judgeAim({ ...aim, value: 999 })).toMatch(/^met .*999 ms; at most 1,000 ms is aimed at$/);
    expect(judgeAim({ ...aim, value: 1001 })).toMatch(/^missed/);
    expect(judgeAim({ ...aim, value: Number.NaN })).toMatch(/^missed/);
  });
});
