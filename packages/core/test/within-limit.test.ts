import { describe, expect, it } from 'vitest';
import { type Clock, withinLimit } from '../src/index.js';

/** A clock whose timers run when the test says so. */
function heldClock() {
  const timers = new Set<() => void>();
  const clock: Clock = {
    now: () => 0,
    after(_, run) {
      timers.add(run);
      return () => timers.delete(run);
    },
  };
  const timeIsUp = () => {
    for (const run of [...timers]) run();
  };
  return { clock, timers, timeIsUp };
}

describe('a call within a limit', () => {
  it('gives what the call gives, or throws what it throws, and leaves no timer', async () => {
    const { clock, timers } = heldClock();
    const limit = { clock, timeoutMs: 10 };
    expect(await withinLimit('call', limit, async () => 7)).toBe(7);
    const failed = withinLimit('call', limit, () => Promise.reject(new RangeError('its own')));
    await expect(failed).rejects.toThrow('its own');
    expect(timers.size).toBe(0);
  });

  it('is aborted and not awaited any longer when the time is up', async () => {
    const { clock, timeIsUp } = heldClock();
    let signal: AbortSignal | undefined;
    const call = withinLimit('call', { clock, timeoutMs: 10 }, (given) => {
      signal = given;
      return new Promise<never>(() => {});
    });
    timeIsUp();
    await expect(call).rejects.toMatchObject({
      code: 'TIMEOUT',
      details: { what: 'call', milliseconds: 10 },
    });
    expect(signal?.aborted).toBe(true);
  });

  it('ends when the caller gives up, and does not begin when they have', async () => {
    const { clock, timers } = heldClock();
    const controller = new AbortController();
    const { signal } = controller;
    let begun = 0;
    const hanging = () => {
      begun++;
      return new Promise<never>(() => {});
    };
    const call = withinLimit('call', { clock, timeoutMs: 10, signal }, hanging);
    controller.abort();
    await expect(call).rejects.toMatchObject({ code: 'ABORTED' });
    await expect(withinLimit('call', { clock, timeoutMs: 10, signal }, hanging)).rejects.toMatchObject({
      code: 'ABORTED',
    });
    expect([begun, timers.size]).toEqual([1, 0]);
  });
});
