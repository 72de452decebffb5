import { randomInt } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Action, type Population, runScenario } from './model.js';

/** How many scenarios; more with SOTTO_MODEL_RUNS, in nightly runs and before a release. */
const RUNS = Number(process.env['SOTTO_MODEL_RUNS'] ?? 60);
/** Printed with each failure; set it to see the same scenarios again. */
const SEED = Number(process.env['SOTTO_MODEL_SEED'] ?? randomInt(2 ** 31));

const nat = fc.nat({ max: 1000 });
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 10, arbitrary: fc.record({ type: fc.constant('send' as const), from: nat, to: nat }) },
  { weight: 14, arbitrary: fc.record({ type: fc.constant('deliver' as const), pick: nat }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('drop' as const), pick: nat }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('replay' as const), pick: nat }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('corrupt' as const), pick: nat, bit: nat }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('restart' as const), who: nat }) },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant('advance' as const), hours: fc.constantFrom(1, 3, 25, 49) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('skew' as const),
      who: nat,
      minutes: fc.integer({ min: -9, max: 9 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant('pair' as const), who: nat, enabled: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('lose' as const), who: nat }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('settle' as const) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('suite' as const), who: nat }) },
);

it.each<[Population, number]>([
  ['deployed', RUNS],
  ['mixed', RUNS],
  ['hybrid', Math.ceil(RUNS / 4)],
])(
  `random scenarios keep every promise: a population that is %s, %i runs (seed ${SEED})`,
  async (population, runs) => {
    process.stdout.write(`model: ${population}, seed ${SEED}, ${runs} runs\n`);
    const totals = { read: 0, hybrid: 0, sealed: 0, undecryptable: 0, refused: 0 };
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 2, maxLength: 4 }),
        fc.array(action, { minLength: 5, maxLength: 40 }),
        async (devicesPerIdentity, actions) => {
          const result = await runScenario(devicesPerIdentity, actions, population);
          totals.read += result.read;
          totals.hybrid += result.hybrid;
          totals.sealed += result.sealed;
          totals.undecryptable += result.undecryptable;
          totals.refused += result.refused;
        },
      ),
      { numRuns: runs, seed: SEED },
    );
    process.stdout.write(`model: ${JSON.stringify(totals)}\n`);
    expect(totals.read).toBeGreaterThan(0);
    expect(totals.hybrid > 0).toBe(population !== 'deployed');
    expect(totals.sealed > 0).toBe(population !== 'deployed');
  },
  3_600_000,
);
