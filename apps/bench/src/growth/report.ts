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

/** What was measured of several parts, and what failed. */
export interface Grown extends Growth {
  readonly failures: readonly string[];
}

/** Measures the curves of some parts, one after another; one that fails doesn't take the others with it. */
export async function growCurves(parts: readonly string[], extent: Extent): Promise<Grown> {
  const crypto = await loadAcceleratedProvider();
  const grown: Growth[] = [];
  const failures: string[] = [];
  for (const part of parts) {
    const measure = growthParts[part];
    if (measure === undefined) throw new Error(`No part of growth is named ${part}; see --help.`);
    try {
      grown.push(await measure(crypto, extent));
    } catch (error) {
      failures.push(`${part}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  const curves = grown.flatMap((part) => part.curves);
  return { curves, aims: grown.flatMap(({ aims }) => aims), failures };
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
    const extent = { rounds, short, folder, onProgress: showProgress };
    const { curves, aims, failures } = await growCurves(parts, extent);
    const machine = describeMachine();
    const results = asResults(curves);
    const lines = [
      `${machine}. Accelerated provider. Medians of ${rounds} rounds in which the sizes take turns, with their spread.`,
      '',
      ...curves.flatMap((curve) => [formatCurve(curve), '']),
      ...(short ? [] : aims.map(judgeAim)),
    ];
    printReport(lines, results);
    for (const failure of failures) process.stderr.write(`failed: ${failure}\n`);
    if (failures.length > 0) process.exitCode = 1;
    keepReport('growth', machine, pace, results, { 'growth.svg': drawCurves(curves, machine) });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
