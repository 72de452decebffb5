import { randomInt } from 'node:crypto';
import { expect, it } from 'vitest';
import { playScenario } from './model.js';

/** Steps in all: 100,000 with SOTTO_LONG, as CI sets it; any number with SOTTO_SOAK, at night and before a release. */
const STEPS = Number(process.env['SOTTO_SOAK'] ?? (process.env['SOTTO_LONG'] === '1' ? 100_000 : 20_000));
/** Printed with each failure; set it to see the same scenarios again. */
const SEED = Number(process.env['SOTTO_MODEL_SEED'] ?? randomInt(2 ** 31));

it(`members who sign anything break no invariant (seed ${SEED}, ${STEPS} steps)`, () => {
  let steps = 0;
  const totals = { made: 0, forged: 0, admitted: 0, voided: 0 };
  for (let at = 0; steps < STEPS; at++) {
    const length = 60 + ((SEED + at) % 5) * 60;
    try {
      const result = playScenario(SEED + at, length);
      for (const name of ['made', 'forged', 'admitted', 'voided'] as const) totals[name] += result[name];
    } catch (error) {
      throw new Error(`scenario ${SEED + at} of ${length} steps`, { cause: error });
    }
    steps += length;
  }
  process.stdout.write(`group log model: seed ${SEED}, ${JSON.stringify(totals)}\n`);
  expect(totals.admitted).toBeGreaterThan(STEPS / 100);
  expect(totals.voided).toBeGreaterThan(0);
}, 3_600_000);
