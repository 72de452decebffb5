import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Results } from './race.js';
import { type Figure, formatRatio, isSure } from './statistics.js';

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
    [...results].map(([scenario, figures]) => [
      scenario,
      Object.fromEntries([...figures].map(([id, figure]) => [id, plainOf(figure)])),
    ]),
  );
  const json = `${JSON.stringify({ machine, rounds, milliseconds, results: plain }, null, 2)}\n`;
  const all = { [`${name}.json`]: json, ...files };
  for (const [file, content] of Object.entries(all)) writeFileSync(`${folder}${file}`, content);
  process.stderr.write(`Also in ${folder}: ${Object.keys(all).join(', ')}\n`);
}

function plainOf(figure: Figure | string) {
  return typeof figure === 'string' ? figure : { ...figure, rounds: Object.fromEntries(figure.rounds) };
}

/** The figure of a contestant, if it was measured. */
export function measuredOf(
  figures: ReadonlyMap<string, Figure | string> | undefined,
  id: string,
): Figure | undefined {
  const figure = figures?.get(id);
  return typeof figure === 'object' ? figure : undefined;
}

/** Whether a ratio is what is aimed at, as far as that is sure. */
export type Verdict = 'met' | 'missed' | 'undecided';

/** The verdict on a ratio: `undecided` while what is aimed at lies within its interval. */
export function verdictOn(ratio: Figure, least: number): Verdict {
  if (isSure(ratio) && ratio.low >= least) return 'met';
  return isSure(ratio) && ratio.high < least ? 'missed' : 'undecided';
}

/** A line stating whether a target is met, and by how much. */
export function judge(
  what: { readonly scenario: string; readonly title: string; readonly against: string },
  ratio: Figure,
  least: number,
): string {
  const { scenario, title, against } = what;
  const interval = `${formatRatio(ratio.low)} to ${formatRatio(ratio.high)}`;
  return `${verdictOn(ratio, least).padEnd(9)}  ${scenario.padEnd(10)} ${title.padEnd(20)} ${formatRatio(ratio.median).padStart(6)} (${interval}) of ${against}; ${formatRatio(least)} is aimed at`;
}
