import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CryptoProvider } from '@sotto/crypto';
import { loadAcceleratedProvider } from '@sotto/crypto/accelerated';
import { describeMachine } from '../machine.js';
import { keepReport, type Pace, printReport, showProgress } from '../report.js';
import { measureBodies } from './bodies.js';
import { asResults, type Extent, formatCurve, type Growth, judgeAim } from './curve.js';
import { measureGroups } from './groups.js';
import { drawCurves } from './line-chart.js';
import { measureSessions } from './sessions.js';
import { measureTopics } from './topics.js';

/** The parts of it, by name. */
export const growthParts: Readonly<
  Record<string, (crypto: CryptoProvider, extent: Extent) => Promise<Growth>>
> = {
  sessions: measureSessions,
  groups: measureGroups,
  bodies: measureBodies,
  topics: measureTopics,
};

/** Measures the curves of some parts, one after another. */
export async function growCurves(parts: readonly string[], extent: Extent): Promise<Growth> {
  const crypto = await loadAcceleratedProvider();
  const grown: Growth[] = [];
  for (const part of parts) {
    const measure = growthParts[part];
    if (measure === undefined) throw new Error(`No part of growth is named ${part}; see --help.`);
    grown.push(await measure(crypto, extent));
  }
  return { curves: grown.flatMap(({ curves }) => curves), aims: grown.flatMap(({ aims }) => aims) };
}

/** Measures how time and memory grow with what there is. */
export async function measureGrowth(
  pace: Pace,
  { scenario }: { readonly scenario: readonly string[] | undefined },
): Promise<void> {
  const { short, rounds } = pace;
  const folder = await mkdtemp(join(tmpdir(), 'sotto-bench-'));
  try {
    const parts = scenario ?? Object.keys(growthParts);
    const { curves, aims } = await growCurves(parts, { rounds, short, folder, onProgress: showProgress });
    const machine = describeMachine();
    const results = asResults(curves);
    const lines = [
      `${machine}. Accelerated provider. Medians of ${rounds} rounds in which the sizes take turns, with their spread.`,
      '',
      ...curves.flatMap((curve) => [formatCurve(curve), '']),
      ...(short ? [] : aims.map(judgeAim)),
    ];
    printReport(lines, results);
    keepReport('growth', machine, pace, results, { 'growth.svg': drawCurves(curves, machine) });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
