import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Results } from './race.js';
import { type Figure, formatRatio } from './statistics.js';

/** Duration and number of measurements. */
export interface Pace {
  /** Only checks that everything runs; the figures are meaningless. */
  readonly short: boolean;
  readonly rounds: number;
  readonly milliseconds: number;
}

/** Shows the current activity; an empty text clears it. */
export function showProgress(text: string): void {
  process.stderr.write(`\r\x1b[K${text}`);
}

/** Prints lines and failed measurements; failures set the exit code. */
export function printReport(lines: readonly string[], results: Results): void {
  showProgress('');
  process.stdout.write(`${lines.join('\n')}\n`);
  const failures = [...results].flatMap(([scenario, figures]) =>
    [...figures].flatMap(([id, figure]) =>
      typeof figure === 'string' ? [`${scenario}: ${id} ${figure}`] : [],
    ),
  );
  for (const failure of failures) process.stderr.write(`${failure}\n`);
  if (failures.length > 0) process.exitCode = 1;
}

/** Stores results as `reports/<name>.json`, and other files next to it. */
export function keepReport(
  name: string,
  machine: string,
  { rounds, milliseconds }: Pace,
  results: Results,
  files: Readonly<Record<string, string>> = {},
): void {
  const folder = fileURLToPath(new URL('../reports/', import.meta.url));
  mkdirSync(folder, { recursive: true });
  const plain = Object.fromEntries(
    [...results].map(([scenario, figures]) => [scenario, Object.fromEntries(figures)]),
  );
  const json = `${JSON.stringify({ machine, rounds, milliseconds, results: plain }, null, 2)}\n`;
  const all = { [`${name}.json`]: json, ...files };
  for (const [file, content] of Object.entries(all)) writeFileSync(`${folder}${file}`, content);
  process.stderr.write(`Also in ${folder}: ${Object.keys(all).join(', ')}\n`);
}

/** The median of a contestant, if it was measured. */
export function medianOf(
  figures: ReadonlyMap<string, Figure | string> | undefined,
  id: string,
): number | undefined {
  const figure = figures?.get(id);
  return typeof figure === 'object' ? figure.median : undefined;
}

/** A line stating whether a target is met, and by how much. */
export function judge(
  what: { readonly scenario: string; readonly title: string; readonly against: string },
  ratio: number,
  least: number,
): string {
  const { scenario, title, against } = what;
  const verdict = ratio >= least ? 'met   ' : 'missed';
  return `${verdict}  ${scenario.padEnd(10)} ${title.padEnd(20)} ${formatRatio(ratio).padStart(6)} of ${against}; ${formatRatio(least)} is aimed at`;
}
