import { createPortableProvider } from '@sotto/crypto';
import { temporaryDirectory } from '@sotto/testing/files';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { asResults, type Curve, formatAims, formatCurve } from '../src/growth/curve.js';
import { drawCurves } from '../src/growth/line-chart.js';
import { Notebook } from '../src/growth/notebook.js';
import { hurrying } from '../src/growth/providers.js';
import { type Grown, growCurves, growthParts } from '../src/growth/report.js';

describe('the curves of growth, short', () => {
  const folder = temporaryDirectory(afterAll);
  let growth: Grown;
  beforeAll(async () => {
    growth = await growCurves(Object.keys(growthParts), {
      rounds: 1,
      short: true,
      folder,
      onProgress: () => {},
    });
  }, 300_000);

  it('have a figure for each size on each line', () => {
    expect(growth.failures).toEqual([]);
    const sizes = (id: string) =>
      growth.curves
        .find((curve) => curve.id === id)
        ?.lines.map(({ title, points }) => [title, points.map(({ at }) => at)]);
    const stores = ['LevelDB', 'SQLite', 'encrypted LevelDB'];
    for (const id of ['open', 'send', 'receive', 'memory']) {
      expect(sizes(`sessions-${id}`), id).toEqual(
        stores.flatMap((store) => [store, `${store}, portable`]).map((line) => [line, [10, 100]]),
      );
    }
    expect(sizes('sessions-start')).toEqual(stores.map((line) => [line, [10, 100]]));
    for (const id of ['member', 'ratio', 'untold', 'memory']) {
      expect(sizes(`groups-${id}`), id).toEqual(
        [
          'LevelDB, 1 device',
          'LevelDB, 2 devices',
          'LevelDB, 3 devices',
          'SQLite, 1 device',
          'SQLite, 2 devices',
          'SQLite, 3 devices',
          'encrypted LevelDB, 2 devices',
          'encrypted SQLite, 2 devices',
          'LevelDB, portable, 2 devices',
          'SQLite, portable, 2 devices',
          'encrypted LevelDB, portable, 2 devices',
          'encrypted SQLite, portable, 2 devices',
        ].map((line) => [line, [2, 10]]),
      );
    }
    for (const id of ['send', 'ratio', 'first', 'removal']) {
      expect(sizes(`sender-keys-${id}`), id).toEqual(['LevelDB', 'SQLite'].map((line) => [line, [2, 10]]));
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

  it('come with aims that have a figure for each way that is aimed at', () => {
    expect(growth.aims.map(({ values }) => values.length)).toEqual([
      ...[3, 3, 3, 3, 3, 1, 1, 1],
      // Short, all have the largest group.
      ...[4, 4, 4],
      ...[2, 2],
      ...[1, 1],
    ]);
    for (const { what, values } of growth.aims) {
      for (const [, value] of values) expect(value, what).toBeGreaterThan(0);
    }
  });

  it('keep a session record small, and change it in one commit', () => {
    const measured = (begin: string) => growth.aims.find(({ what }) => what.startsWith(begin))?.values;
    expect(measured('session record')?.[0]?.[1]).toBeLessThanOrEqual(300);
    for (const way of ['sent', 'received']) {
      expect(measured(`commits that change a session, a message ${way}`)).toEqual([['', 1]]);
    }
  });

  it('are printed as tables, kept, and drawn', () => {
    const chart = drawCurves(growth.curves, 'a machine');
    for (const curve of growth.curves) {
      const rows = formatCurve(curve).split('\n').slice(2);
      expect(rows).toHaveLength(curve.lines.length);
      expect(rows.join('')).not.toMatch(/NaN|undefined/);
      if (curve.along !== 'topics') expect(chart).toContain(curve.title);
    }
    expect(chart).not.toMatch(/NaN|Infinity|undefined/);
    expect(asResults(growth.curves).size).toBe(growth.curves.length);
  });
});

describe('summaries of measurements', () => {
  const curve: Omit<Curve, 'lines'> = { id: 'c', title: 'Time, ms', along: 'size' };
  const notebook = new Notebook();
  // The machine became twice as slow in the second round.
  for (const [at, value] of [
    [100, 15],
    [10, 10],
    [100, 30],
    [10, 20],
  ] as const) {
    notebook.note(curve, 'a store', at, { processor: value, wall: 2 * value });
  }

  it('is in order of size, with medians of both times', () => {
    expect(
      formatCurve(notebook.curves()[0] as Curve)
        .split('\n')
        .at(-1),
    ).toMatch(/^\| a store +\| 15 \/ 30 \| 22.5 \/ 45 \|$/);
  });

  it('compares what was measured in the same round', () => {
    const line = { curve: 'c', line: 'a store' };
    expect(notebook.pairedRatio({ ...line, at: 100 }, { ...line, at: 10 })).toBe(1.5);
  });

  it('says whether an aim is met, by all that it is asked of', () => {
    const judged = (...values: number[]) =>
      formatAims([
        { what: 'open', most: 1000, unit: ' ms', values: values.map((value) => ['a store', value]) },
      ]).split('\n')[2];
    expect(judged(999, 2)).toBe('| met | open | 1,000 ms | 999 ms a store, 2 ms a store |');
    expect(judged(2, 1001)).toMatch(/^\| missed /);
    expect(judged(Number.NaN)).toMatch(/^\| missed /);
  });

  it('has an own ECDH except in a hurry', async () => {
    const own = createPortableProvider();
    const [mine, theirs] = [own.secp256k1.generateKeyPair(), own.secp256k1.generateKeyPair()];
    const other = { ...own, secp256k1: { ...own.secp256k1, ecdh: () => new Uint8Array(32) } };
    const { crypto, hurry } = hurrying(own, other);
    const agree = () => crypto.secp256k1.ecdh(mine.privateKey, theirs.publicKey);
    const [agreed, hurried] = [agree(), await hurry(async () => agree())];
    expect(hurried).toEqual(new Uint8Array(32));
    await expect(hurry(() => Promise.reject(new Error('x')))).rejects.toThrow('x');
    expect(agree()).toEqual(agreed);
  });
});
