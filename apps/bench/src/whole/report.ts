import type { Choice } from '../bare.js';
import { describeMachine } from '../machine.js';
import { type Results, race } from '../race.js';
import { judge, keepReport, measuredOf, type Pace, printReport, showProgress } from '../report.js';
import { installRivals } from '../rivals.js';
import { type Figure, figureOf, formatRatio, ratioOf } from '../statistics.js';
import { formatTable, markdownTable } from '../table.js';
import { DEPLOYED_POW, type WholeContestant, wholeContestants } from './contestants.js';
import { wholeScenarios } from './conversation.js';
import type { WholeScenarioId } from './library.js';

/**
 * Messages per second of the deployed Go client, its whole protocol with SQLite in memory. Recorded once on the same
 * kind of machine, as it can't be run here.
 */
const GO_CLIENT: Record<WholeScenarioId, number> = { '1 KiB': 171, 'ping-pong': 153 };
/** Targets relative to the Go client. */
const LEAST = { accelerated: 10, webassembly: 2, portable: 2 } as const;

/** Measures whole messages, and a rival's protocol alone for comparison. */
export async function measureWhole(pace: Pace, { only, scenario }: Choice): Promise<void> {
  const { short, rounds, milliseconds } = pace;
  const contestants = wholeContestants.filter(
    ({ title }) => only?.some((part) => title.includes(part)) ?? true,
  );
  const scenarios = (Object.keys(wholeScenarios) as WholeScenarioId[]).filter(
    (id) => scenario?.includes(id) ?? true,
  );
  if (contestants.length === 0 || scenarios.length === 0)
    throw new Error('Nothing of that name; see --help.');
  if (contestants.some(({ kind }) => kind === 'rival')) installRivals();
  const results = await race({ contestants, scenarios, rounds, milliseconds, onProgress: showProgress });
  const machine = describeMachine();
  const lines = [
    `${machine}. Medians of ${rounds} interleaved rounds of ${milliseconds} ms, with their intervals of 95 %.`,
    '',
    formatTable(results, contestants),
    '',
    formatRatios(results, contestants),
    '',
    ...scenarios.map((id) => `${id}: ${wholeScenarios[id].about}`),
    '',
    `Go client: recorded once on the same kind of machine, ${GO_CLIENT['1 KiB']} in one direction and ${GO_CLIENT['ping-pong']} in turns, with SQLite in memory; not run here.`,
    'libsignal-client: the bare protocol in memory, with neither a store nor envelopes.',
    'no fsync: commits survive the end of the process, not a power cut (durability: process-crash).',
    `proof of work: ${DEPLOYED_POW}, what deployed nodes ask for, on the calling thread; elsewhere none is asked for.`,
    '',
    ...(short ? [] : judgeWhole(results, contestants)),
  ];
  printReport(lines, results);
  keepReport('whole', machine, pace, results);
}

/** Speed relative to the recorded Go client, and to a rival's protocol alone in the same run. */
export function formatRatios(
  results: Results<WholeScenarioId>,
  contestants: readonly WholeContestant[],
): string {
  const scenarios = [...results.keys()];
  const rows = contestants
    .filter(({ kind }) => kind === 'sotto')
    .map(({ id, title }) => [
      title,
      ...scenarios.flatMap((scenario) => {
        const own = measuredOf(results.get(scenario), id);
        const rival = measuredOf(results.get(scenario), 'libsignal-client');
        if (own === undefined) return ['-', '-'];
        return [toGoClient(own, scenario), rival && ratioOf(own, [rival])].map((ratio) =>
          ratio === undefined ? '-' : formatRatio(ratio.median),
        );
      }),
    ]);
  const head = scenarios.flatMap((scenario) => [`${scenario}, Go client`, `${scenario}, libsignal-client`]);
  return markdownTable(['Ratio to', ...head], rows);
}

function toGoClient({ rounds }: Figure, scenario: WholeScenarioId): Figure {
  return figureOf(new Map([...rounds].map(([round, value]) => [round, value / GO_CLIENT[scenario]])));
}

export function judgeWhole(
  results: Results<WholeScenarioId>,
  contestants: readonly WholeContestant[],
): string[] {
  return [...results].flatMap(([scenario, figures]) =>
    contestants.flatMap(({ id, title, setup }) => {
      const own = measuredOf(figures, id);
      if (setup === undefined || own === undefined) return [];
      const what = { scenario, title: title.padEnd(52), against: 'the recorded Go client' };
      return [judge(what, toGoClient(own, scenario), LEAST[setup.provider])];
    }),
  );
}
