import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { prepareFloor } from '../floor.js';
import { each, timed } from '../growth/stopwatch.js';
import { describeMachine } from '../machine.js';
import type { Measured } from '../measuring.js';
import { type Pace, showProgress } from '../report.js';
import { scenarios } from '../scenarios.js';
import { createSotto } from '../sotto.js';
import { intervalOf } from '../statistics.js';
import { type Conversation, startConversation, wholeScenarios } from '../whole/conversation.js';
import type { WholeScenarioId } from '../whole/library.js';

/** Scenarios of the protocol alone. */
const BARE = ['sessions', '1 KiB', 'ping-pong'];
const PROVIDERS = ['accelerated', 'portable'] as const;
const STORE = 'leveldb-no-fsync';

/** The same in today's sessions and in post-quantum ones. */
export interface Comparison {
  readonly what: string;
  readonly deployed: Measured;
  readonly hybrid: Measured;
}

/** The cost of each, and their ratio. */
export interface Compared {
  /** Microseconds of the processor, of one operation. */
  readonly deployed: number;
  readonly hybrid: number;
  /** Medians of the rounds, with their intervals. */
  readonly ratio: ReturnType<typeof intervalOf>;
}

/** Measures what post-quantum sessions cost beside today's: by processor time, in one process, each round the one after the other. */
export async function measurePostQuantum(pace: Pace): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sotto-bench-'));
  process.stdout.write(
    `${describeMachine()}. Processor time, medians of ${pace.rounds} pairs of ${pace.milliseconds} ms each.\n`,
  );
  try {
    for (const provider of PROVIDERS) {
      for (const comparison of await bareComparisons(provider))
        print(comparison, await compare(comparison, pace));
    }
    await compareWhole(folder, pace);
  } finally {
    showProgress('');
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The protocol alone, and its primitives alone. */
async function bareComparisons(provider: (typeof PROVIDERS)[number]): Promise<Comparison[]> {
  const [deployed, hybrid] = [`sotto-${provider}`, `sotto-triple-${provider}`];
  const comparisons: Comparison[] = [];
  for (const scenario of scenarios.filter(({ id }) => BARE.includes(id))) {
    comparisons.push({
      what: `${provider}, bare, ${scenario.id}`,
      deployed: await scenario.prepare(await createSotto(deployed)),
      hybrid: await scenario.prepare(await createSotto(hybrid)),
    });
    comparisons.push({
      what: `${provider}, its primitives alone, ${scenario.id}`,
      deployed: await prepareFloor(deployed, scenario),
      hybrid: await prepareFloor(hybrid, scenario),
    });
  }
  return comparisons;
}

/** Whole messages; in post-quantum sessions also sealed. */
async function compareWhole(folder: string, pace: Pace): Promise<void> {
  for (const scenario of Object.keys(wholeScenarios) as WholeScenarioId[]) {
    const conversations: Conversation[] = [];
    const prepare = async (suite: 'deployed' | 'hybrid' | 'sealed') => {
      const place = join(folder, `${scenario} ${suite}`);
      await mkdir(place);
      const setup = { provider: 'accelerated', store: STORE, minimumPow: 0, suite } as const;
      const conversation = await startConversation(setup, place);
      conversations.push(conversation);
      return wholeScenarios[scenario].measure(conversation);
    };
    const deployed = await prepare('deployed');
    for (const [suite, what] of [
      ['hybrid', 'whole'],
      ['sealed', 'whole and sealed'],
    ] as const) {
      const comparison = {
        what: `accelerated, ${what}, ${scenario}`,
        deployed,
        hybrid: await prepare(suite),
      };
      print(comparison, await compare(comparison, pace));
    }
    await Promise.all(conversations.flatMap(({ alice, bob }) => [alice.close(), bob.close()]));
  }
}

/** Measures the two in turns; one that is first in a round is second in the next. */
export async function compare(
  { what, deployed, hybrid }: Comparison,
  { rounds, milliseconds }: Pick<Pace, 'rounds' | 'milliseconds'>,
): Promise<Compared> {
  const costs: { readonly deployed: number; readonly hybrid: number }[] = [];
  // The first round is a warm-up.
  for (let round = 0; round <= rounds; round++) {
    showProgress(`${what}: round ${round} of ${rounds}`);
    const first = round % 2 === 0 ? await costOf(deployed, milliseconds) : undefined;
    const cost = await costOf(hybrid, milliseconds);
    const pair = { deployed: first ?? (await costOf(deployed, milliseconds)), hybrid: cost };
    if (round > 0) costs.push(pair);
  }
  return {
    deployed: intervalOf(costs.map((cost) => cost.deployed)).median,
    hybrid: intervalOf(costs.map((cost) => cost.hybrid)).median,
    ratio: intervalOf(costs.map((cost) => cost.hybrid / cost.deployed)),
  };
}

/** Microseconds of the processor, of one operation. */
async function costOf({ run, operations }: Measured, milliseconds: number): Promise<number> {
  let runs = 0;
  const spent = await timed(async () => {
    const end = performance.now() + milliseconds;
    do {
      await run();
      runs++;
    } while (performance.now() < end);
  });
  return each(spent, runs * operations).processor;
}

function print({ what }: Comparison, { deployed, hybrid, ratio }: Compared): void {
  showProgress('');
  const bounds = `${ratio.low.toFixed(2)}x to ${ratio.high.toFixed(2)}x`;
  process.stdout.write(
    `${what.padEnd(46)} ${deployed.toFixed(1).padStart(8)} µs ${hybrid.toFixed(1).padStart(8)} µs  ${ratio.median.toFixed(2)}x (${bounds})\n`,
  );
}
