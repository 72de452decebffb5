import { drawChart } from './chart.js';
import { contestants } from './contestants.js';
import { describeMachine } from './machine.js';
import { race } from './race.js';
import { keepReport, type Pace, printReport, showProgress } from './report.js';
import { installRivals } from './rivals.js';
import { scenarios } from './scenarios.js';
import { formatTable } from './table.js';
import { judgeTargets } from './targets.js';

/** Which contestants and scenarios to run. Default: all. */
export interface Choice {
  readonly only: readonly string[] | undefined;
  readonly scenario: readonly string[] | undefined;
}

/** Measures the protocol alone: sessions and messages in memory. */
export async function measureBare(pace: Pace, { only, scenario }: Choice): Promise<void> {
  const { short, rounds, milliseconds } = pace;
  const chosen = contestants.filter(({ id }) => only?.includes(id) ?? true);
  const wanted = scenarios.filter(({ id }) => scenario?.includes(id) ?? true);
  if (chosen.length === 0 || wanted.length === 0) throw new Error('Nothing of that name; see --help.');
  if (chosen.some(({ kind }) => kind === 'rival')) installRivals();
  const results = await race({
    contestants: chosen,
    scenarios: wanted.map(({ id }) => id),
    rounds,
    milliseconds,
    onProgress: showProgress,
  });
  const machine = describeMachine();
  const lines = [
    `${machine}. Medians of ${rounds} interleaved rounds of ${milliseconds} ms, with their spread.`,
    '',
    formatTable(results, contestants),
    '',
    ...wanted.map(({ id, about }) => `${id}: ${about}`),
    '',
    ...chosen.flatMap(({ title, note }) => (note === undefined ? [] : [`${title}: ${note}.`])),
    '',
    ...(short ? [] : judgeTargets(results)),
  ];
  printReport(lines, results);
  keepReport('bench', machine, pace, results, { 'bench.svg': drawChart(results, machine) });
}
