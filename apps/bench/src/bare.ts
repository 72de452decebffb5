import { drawChart } from './chart.js';
import { contestants } from './contestants.js';
import type { ScenarioId } from './library.js';
import { describeMachine } from './machine.js';
import { Race } from './race.js';
import { keepReport, type Pace, printReport, showProgress } from './report.js';
import { installRivals } from './rivals.js';
import { scenarios } from './scenarios.js';
import { formatTable } from './table.js';
import { judgeTargets, undecidedOf } from './targets.js';

/** How often those are measured again whose target is undecided. */
const MORE_TIMES = 4;

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
  const race = new Race<ScenarioId>(chosen);
  try {
    const heat = { milliseconds, onProgress: showProgress };
    await race.run({ ...heat, scenarios: wanted.map(({ id }) => id), rounds });
    for (let times = 0; times < (short ? 0 : MORE_TIMES); times++) {
      for (const [id, only] of undecidedOf(race.results())) {
        await race.run({ ...heat, scenarios: [id], only, rounds });
      }
    }
  } finally {
    await race.end();
  }
  const results = race.results();
  const machine = describeMachine();
  const lines = [
    `${machine}. Medians of ${rounds} interleaved rounds of ${milliseconds} ms and more, with their intervals of 95 %.`,
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
