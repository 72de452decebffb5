import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Answer, Order } from './contestant-process.js';
import type { Contestant, ScenarioId } from './library.js';
import { type Figure, figureOf } from './statistics.js';

// As it was built, also when this is run from its source.
const program = fileURLToPath(new URL('../dist/contestant-process.js', import.meta.url));

/** Figures in operations a second, by scenario and contestant; a text where there are none. */
export type Results = Map<ScenarioId, Map<string, Figure | string>>;

export interface RaceOptions {
  readonly contestants: readonly Contestant[];
  readonly scenarios: readonly ScenarioId[];
  /** Times that each is measured in each scenario. */
  readonly rounds: number;
  /** Of each measurement. */
  readonly milliseconds: number;
  readonly onProgress: (text: string) => void;
}

/** Measures all in turn, round by round, so that a machine that changes its pace changes it for all. */
export async function race(options: RaceOptions): Promise<Results> {
  const { contestants, scenarios, rounds, milliseconds, onProgress } = options;
  const runners = contestants.map((contestant) => ({ contestant, runner: new Runner(contestant.id) }));
  const results: Results = new Map();
  try {
    for (const scenario of scenarios) {
      const values = new Map<string, number[]>();
      const failures = new Map<string, string>();
      for (let round = 0; round < rounds; round++) {
        onProgress(`${scenario}: round ${round + 1} of ${rounds}`);
        // Another one begins each round.
        const order = runners.map(
          (_, i) => runners[(i + round) % runners.length] as (typeof runners)[number],
        );
        for (const { contestant, runner } of order) {
          if (contestant.without?.includes(scenario) || failures.has(contestant.id)) continue;
          const answer = await runner.measure({ scenario, milliseconds });
          if ('error' in answer) failures.set(contestant.id, answer.error);
          else values.set(contestant.id, [...(values.get(contestant.id) ?? []), answer.perSecond]);
        }
      }
      const figures = new Map<string, Figure | string>();
      for (const { id } of contestants) {
        const measured = values.get(id);
        const failure = failures.get(id);
        if (failure !== undefined) figures.set(id, `failed: ${failure}`);
        else if (measured !== undefined) figures.set(id, figureOf(measured));
      }
      results.set(scenario, figures);
    }
    return results;
  } finally {
    for (const { runner } of runners) runner.end();
  }
}

class Runner {
  readonly #child: ChildProcess;

  constructor(id: string) {
    this.#child = fork(program, [id], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  }

  async measure(order: Order): Promise<Answer> {
    if (this.#child.exitCode !== null) return { error: `the process ended with ${this.#child.exitCode}` };
    const waiting = new AbortController();
    const { signal } = waiting;
    try {
      this.#child.send(order);
      return await Promise.race([
        once(this.#child, 'message', { signal }).then(([answer]) => answer as Answer),
        once(this.#child, 'exit', { signal }).then(([code]) => ({ error: `the process ended with ${code}` })),
      ]);
    } finally {
      waiting.abort();
    }
  }

  end(): void {
    this.#child.kill();
  }
}
