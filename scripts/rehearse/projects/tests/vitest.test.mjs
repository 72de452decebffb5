import { expect, it } from 'vitest';
import { talk } from './talk.mjs';

it('sends a message', async () => {
  expect(await talk()).toBe('Psst, Bob.');
});
