import { describeMachine } from '../machine.js';
import { race } from '../race.js';
import { judge, keepReport, measuredOf, type Pace, printReport, showProgress } from '../report.js';
import { ratioOf } from '../statistics.js';
import { formatTable } from '../table.js';
import { GO_NODE, POW_SIZES, type PowScenarioId, powContestants } from './contestants.js';
import { buildGoNode } from './go-node.js';

/** Target relative to the Go node's hashes on one core. */
const LEAST = 0.5;

/** Measures hashes per second of our miners and of a Go node. */
export async function measureProofOfWork(pace: Pace): Promise<void> {
  const missing = await buildGoNode();
  if (missing !== undefined) {
    const line = '!'.repeat(80);
    process.stderr.write(
      `${line}\nTHE RIVAL IS MISSING: the Go node could not be built, so nothing is compared.\n${missing}\n` +
        `It needs Go 1.19 or later on the PATH, and the Go module proxy.\n${line}\n`,
    );
  }
  const contestants = powContestants.filter((one) => one !== GO_NODE || missing === undefined);
  const { rounds, milliseconds, short } = pace;
  const scenarios = Object.keys(POW_SIZES) as PowScenarioId[];
  const results = await race({ contestants, scenarios, rounds, milliseconds, onProgress: showProgress });
  const machine = describeMachine();
  const targets = scenarios.flatMap((scenario) => {
    const figures = results.get(scenario);
    const rival = measuredOf(figures, GO_NODE.id);
    return powContestants.flatMap(({ id, title, kind }) => {
      const own = measuredOf(figures, id);
      const ratio = own && rival && ratioOf(own, [rival]);
      if (kind === 'rival' || ratio === undefined) return [];
      return [judge({ scenario, title, against: 'the Go node' }, ratio, LEAST)];
    });
  });
  const lines = [
    `${machine}. Medians of ${rounds} interleaved rounds of ${milliseconds} ms, with their intervals of 95 %.`,
    '',
    formatTable(results, contestants),
    '',
    'An operation is a nonce tried on an envelope with so many bytes of data. The Go node hashes all of the envelope for',
    'each nonce; we keep what was hashed before the nonce.',
    ...(missing === undefined ? [] : ['THE RIVAL IS MISSING: the Go node could not be built.']),
    '',
    ...(short ? [] : targets),
  ];
  printReport(lines, results);
  keepReport('proof-of-work', machine, pace, results);
}
