import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Answer, Order } from './measuring.js';
import { type Figure, figureOf } from './statistics.js';

/** A participant of a race, run in a process of its own. */
export interface Racer<S extends string> {
  /** The argument of its process. */
  readonly id: string;
  /** Scenarios that it can't run, or refuses by design. */
  readonly without?: readonly S[];
  /** Module of its process in `src/`, without extension. Default: `contestant-process`. */
  readonly program?: string;
}

/** Operations per second by scenario and contestant, or the reason if there are none. */
export type Results<S extends string = string> = Map<S, Map<string, Figure | string>>;

export interface RaceOptions<S extends string> {
  readonly contestants: readonly Racer<S>[];
  readonly scenarios: readonly S[];
  /** Rounds per contestant and scenario. */
  readonly rounds: number;
  /** Duration of each measurement. */
  readonly milliseconds: number;
  readonly onProgress: (text: string) => void;
}

/** Measures all contestants in turn, round by round, so that changes in the machine's speed affect all of them. */
export async function race<S extends string>(options: RaceOptions<S>): Promise<Results<S>> {
  const { contestants, scenarios, rounds, milliseconds, onProgress } = options;
  const runners = contestants.map((contestant) => ({ contestant, runner: new Runner(contestant) }));
  const results: Results<S> = new Map();
  try {
    for (const scenario of scenarios) {
      const values = new Map<string, number[]>();
      const failures = new Map<string, string>();
      for (let round = 0; round < rounds; round++) {
        onProgress(`${scenario}: round ${round + 1} of ${rounds}`);
        // A different contestant starts each round.
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
    await Promise.all(runners.map(({ runner }) => runner.end()));
  }
}

class Runner {
  readonly #child: ChildProcess;

  constructor({ id, program = 'contestant-process' }: Racer<string>) {
    // The compiled module, even when this file runs from its source.
    const path = fileURLToPath(new URL(`../dist/${program}.js`, import.meta.url));
    this.#child = fork(path, [id], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
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

  /** Lets the process clean up and exit. */
  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    if (this.#child.connected) this.#child.disconnect();
    await ended;
  }
}
