import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeMachine } from '../machine.js';
import { keepReport, type Pace, showProgress } from '../report.js';
import { measureBodies } from './bodies.js';
import { asResults, type Curve, type Extent, formatAims, formatCurve, type Growth } from './curve.js';
import { measureGroups } from './groups.js';
import { drawCurves } from './line-chart.js';
import { loadProviders, type Providers } from './providers.js';
import { measureSenderKeys } from './sender-keys.js';
import { measureSessions } from './sessions.js';
import { measureTopics } from './topics.js';

/** The parts, by name. */
export const growthParts: Readonly<
  Record<string, (providers: Providers, extent: Extent) => Promise<Growth>>
> = {
  sessions: measureSessions,
  groups: measureGroups,
  'sender-keys': measureSenderKeys,
  bodies: measureBodies,
  topics: measureTopics,
};

/** Measurements of several parts, and failures. */
export interface Grown extends Growth {
  readonly failures: readonly string[];
}

/**
 * Measures the curves of some parts, one after the other. A failing part does not affect the others.
 * @param onPart receives the curves of each part
 */
export async function growCurves(
  parts: readonly string[],
  extent: Extent,
  onPart: (curves: readonly Curve[]) => void = () => {},
): Promise<Grown> {
  const providers = await loadProviders();
  const grown: Growth[] = [];
  const failures: string[] = [];
  for (const part of parts) {
    const measure = growthParts[part];
    if (measure === undefined) throw new Error(`No part of growth is named ${part}; see --help.`);
    try {
      const growth = await measure(providers, extent);
      grown.push(growth);
      onPart(growth.curves);
    } catch (error) {
      failures.push(`${part}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  const curves = grown.flatMap((part) => part.curves);
  return { curves, aims: grown.flatMap(({ aims }) => aims), failures };
}

/** Measures how time and memory grow; prints the figures for `docs/benchmarks.md`. */
export async function measureGrowth(
  pace: Pace,
  { scenario }: { readonly scenario: readonly string[] | undefined },
): Promise<void> {
  const { short, rounds } = pace;
  const folder = await mkdtemp(join(tmpdir(), 'sotto-bench-'));
  const print = (lines: readonly string[]) => {
    showProgress('');
    process.stdout.write(`${lines.join('\n')}\n`);
  };
  try {
    const machine = describeMachine();
    const parts = scenario ?? Object.keys(growthParts);
    const extent = { rounds, short, folder, onProgress: showProgress };
    print([
      `${machine}. Medians of ${rounds} rounds in which the sizes take turns. Times are of processors / on the wall.`,
      '',
    ]);
    const { curves, aims, failures } = await growCurves(parts, extent, (grown) =>
      print(grown.flatMap((curve) => [formatCurve(curve), ''])),
    );
    if (!short) print([formatAims(aims)]);
    for (const failure of failures) process.stderr.write(`failed: ${failure}\n`);
    if (failures.length > 0) process.exitCode = 1;
    keepReport('growth', machine, pace, asResults(curves), { 'growth.svg': drawCurves(curves, machine) });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
