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

/** Which of a race to measure, and how long. */
export interface Heat<S extends string> {
  readonly scenarios: readonly S[];
  /** Default: all contestants. */
  readonly only?: readonly string[];
  /** Rounds per contestant and scenario, after those that were measured before. */
  readonly rounds: number;
  /** Duration of each measurement. */
  readonly milliseconds: number;
  readonly onProgress: (text: string) => void;
}

/** Measures all contestants in turn, round by round, so that changes in the machine's speed affect all of them. */
export class Race<S extends string> {
  readonly #runners: readonly { readonly contestant: Racer<S>; readonly runner: Runner }[];
  readonly #values = new Map<S, Map<string, Map<number, number>>>();
  readonly #failures = new Map<S, Map<string, string>>();
  readonly #rounds = new Map<S, number>();

  constructor(contestants: readonly Racer<S>[]) {
    this.#runners = contestants.map((contestant) => ({ contestant, runner: new Runner(contestant) }));
  }

  /** Measures so many rounds more. */
  async run({ scenarios, only, rounds, milliseconds, onProgress }: Heat<S>): Promise<void> {
    const running = this.#runners.filter(({ contestant }) => only?.includes(contestant.id) ?? true);
    for (const scenario of scenarios) {
      const values = inMap(this.#values, scenario, () => new Map<string, Map<number, number>>());
      const failures = inMap(this.#failures, scenario, () => new Map<string, string>());
      const before = this.#rounds.get(scenario) ?? 0;
      this.#rounds.set(scenario, before + rounds);
      for (let round = before; round < before + rounds; round++) {
        onProgress(`${scenario}: round ${round + 1} of ${before + rounds}`);
        // A different contestant starts each round.
        const order = running.map(
          (_, i) => running[(i + round) % running.length] as (typeof running)[number],
        );
        for (const { contestant, runner } of order) {
          if (contestant.without?.includes(scenario) || failures.has(contestant.id)) continue;
          const answer = await runner.measure({ scenario, milliseconds });
          if ('error' in answer) failures.set(contestant.id, answer.error);
          else inMap(values, contestant.id, () => new Map<number, number>()).set(round, answer.perSecond);
        }
      }
    }
  }

  /** What was measured so far. */
  results(): Results<S> {
    const results: Results<S> = new Map();
    for (const [scenario, values] of this.#values) {
      const figures = new Map<string, Figure | string>();
      for (const { contestant } of this.#runners) {
        const measured = values.get(contestant.id);
        const failure = this.#failures.get(scenario)?.get(contestant.id);
        if (failure !== undefined) figures.set(contestant.id, `failed: ${failure}`);
        else if (measured !== undefined) figures.set(contestant.id, figureOf(measured));
      }
      results.set(scenario, figures);
    }
    return results;
  }

  /** Ends the processes of the contestants. */
  async end(): Promise<void> {
    await Promise.all(this.#runners.map(({ runner }) => runner.end()));
  }
}

/** A race of one heat. */
export async function race<S extends string>({
  contestants,
  ...heat
}: Heat<S> & { readonly contestants: readonly Racer<S>[] }): Promise<Results<S>> {
  const race = new Race(contestants);
  try {
    await race.run(heat);
    return race.results();
  } finally {
    await race.end();
  }
}

function inMap<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
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
