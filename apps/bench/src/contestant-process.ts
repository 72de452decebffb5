// A process of its own for each contestant, so that they share neither heap nor compiled code: measures what it is asked to.

import type { Library, ScenarioId } from './library.js';
import { scenarios } from './scenarios.js';
import { createSotto } from './sotto.js';

export interface Order {
  readonly scenario: ScenarioId;
  readonly milliseconds: number;
}

/** Operations in a second, or why there are none. */
export type Answer = { readonly perSecond: number } | { readonly error: string };

const [, , id = ''] = process.argv;

async function load(): Promise<Library> {
  if (id.startsWith('sotto-')) return createSotto(id);
  const { createLibrary } = await import(new URL(`../rivals/${id}.mjs`, import.meta.url).href);
  return createLibrary();
}

const prepared = new Map<ScenarioId, ReturnType<(typeof scenarios)[number]['prepare']>>();
const library = load();

async function measure({ scenario, milliseconds }: Order): Promise<number> {
  const found = scenarios.find((one) => one.id === scenario);
  if (found === undefined) throw new Error(`no such scenario: ${scenario}`);
  let preparing = prepared.get(scenario);
  if (preparing === undefined) {
    preparing = found.prepare(await library);
    prepared.set(scenario, preparing);
    // Warms up.
    await repeat(await preparing, milliseconds / 2);
  }
  return repeat(await preparing, milliseconds);
}

async function repeat(
  { operations, run }: { readonly operations: number; run(): Promise<void> },
  milliseconds: number,
): Promise<number> {
  const begin = performance.now();
  let done = 0;
  let passed = 0;
  do {
    await run();
    done += operations;
    passed = performance.now() - begin;
  } while (passed < milliseconds);
  return (done / passed) * 1000;
}

const explain = (error: unknown) => (error instanceof Error ? error.message : String(error));

process.on('message', (order: Order) => {
  measure(order).then(
    (perSecond) => process.send?.({ perSecond } satisfies Answer),
    (error) => process.send?.({ error: explain(error) } satisfies Answer),
  );
});
