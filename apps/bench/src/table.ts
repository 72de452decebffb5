import type { Results } from './race.js';
import { formatCount } from './statistics.js';

/** A contestant's row of a table. */
export interface Row {
  readonly id: string;
  readonly title: string;
}

/** The results as a Markdown table: median operations per second with their interval. */
export function formatTable(results: Results, contestants: readonly Row[]): string {
  const scenarios = [...results.keys()];
  const rows = contestants
    .filter(({ id }) => scenarios.some((scenario) => results.get(scenario)?.has(id)))
    .map(({ id, title }) => [
      title,
      ...scenarios.map((scenario) => {
        const figure = results.get(scenario)?.get(id);
        if (figure === undefined) return '-';
        if (typeof figure === 'string') return 'failed';
        const { median, low, high } = figure;
        return `${formatCount(median)} (${formatCount(low)}–${formatCount(high)})`;
      }),
    ]);
  return markdownTable(['Operations a second', ...scenarios], rows);
}

/** Aligns the columns of the Markdown source. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, at) =>
    Math.max(title.length, ...rows.map((row) => (row[at] ?? '').length)),
  );
  const line = (cells: readonly string[]) =>
    `| ${widths.map((width, at) => (cells[at] ?? '').padEnd(width)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}
