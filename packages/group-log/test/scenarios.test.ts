import { expect, it } from 'vitest';
import { playScenario } from './model.js';

// Always the same scenarios of the model, and few: fast enough for mutation testing. model.test.ts draws thousands of others.
it.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])('scenario %i of the model breaks no invariant', (seed) => {
  const { admitted } = playScenario(seed, 60 + 30 * (seed % 3));
  expect(admitted).toBeGreaterThan(0);
});
