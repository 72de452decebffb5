import { expect, it } from '@jest/globals';
import { talk } from './talk.mjs';

it('sends a message', async () => {
  expect(await talk()).toBe('Psst, Bob.');
});
