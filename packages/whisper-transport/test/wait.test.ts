import { afterEach, expect, it } from 'vitest';
import { waitWithin } from '../src/support/wait.js';

const warnings: Error[] = [];
const onWarning = (warning: Error) => warnings.push(warning);
process.on('warning', onWarning);
afterEach(() => process.off('warning', onWarning));

it("many wait, with one signal or with their own: each is called, and Node doesn't warn", async () => {
  const closing = new AbortController();
  const giveUp = new AbortController();
  const finished: (() => void)[] = [];
  let disarmed = 0;
  const wait = (signal: AbortSignal) =>
    waitWithin({ signal }, closing.signal, 'it', (done) => {
      finished.push(done);
      return () => disarmed++;
    });
  const together = Array.from({ length: 30 }, () => wait(giveUp.signal));
  const alone = Array.from({ length: 30 }, () => wait(new AbortController().signal));
  for (const done of [...finished.slice(0, 10), ...finished.slice(30, 40)]) done();
  await Promise.all([...together.slice(0, 10), ...alone.slice(0, 10)]);
  giveUp.abort();
  for (const one of together.slice(10)) await expect(one).rejects.toMatchObject({ code: 'ABORTED' });
  closing.abort();
  for (const one of alone.slice(10)) await expect(one).rejects.toMatchObject({ code: 'CLOSED' });
  expect(disarmed).toBe(60);
  await new Promise((resolve) => setImmediate(resolve));
  expect(warnings).toEqual([]);
});
