import { defaultProvider } from '@sotto/crypto';
import { describe, expect, it } from 'vitest';
import { createInlineMiner } from '../src/index.js';
import { Deadline } from '../src/support/deadline.js';
import { waitWithin, withDeadline } from '../src/support/wait.js';
import { EnvelopePool, encodeEnvelope } from '../src/whisper.js';

import { manualClock, rest } from './manual-clock.js';

const crypto = defaultProvider();
const YEAR = 365 * 86_400_000;

/** A clock whose timers go on evenly while what it says is set. */
function jumpingClock() {
  const clock = manualClock();
  let off = 0;
  return {
    ...clock,
    now: () => clock.now() + off,
    jump(milliseconds: number) {
      off += milliseconds;
    },
  };
}

describe.each([
  ['ahead', YEAR],
  ['back', -YEAR],
])('a clock that is set a year %s', (_, jump) => {
  it('a deadline is over when its time has passed, not before and not later', async () => {
    const clock = jumpingClock();
    const deadline = new Deadline(clock, 5_000);
    let told = 0;
    deadline.onOver(() => told++);
    clock.jump(jump);
    await clock.advance(4_999);
    expect([deadline.isOver, told]).toEqual([false, 0]);
    await clock.advance(1);
    deadline.onOver(() => told++);
    expect([deadline.isOver, told]).toEqual([true, 2]);
  });

  it('a wait without a signal lasts as long as was said', async () => {
    const clock = jumpingClock();
    let outcome = 'waits';
    const waiting = withDeadline(clock, undefined, 5_000, (limits) =>
      waitWithin(limits, new AbortController().signal, 'it', () => () => {}),
    ).catch((error: { code: string }) => {
      outcome = error.code;
    });
    clock.jump(jump);
    await clock.advance(4_999);
    expect(outcome).toBe('waits');
    await clock.advance(1);
    await waiting;
    expect(outcome).toBe('TRANSPORT_UNAVAILABLE');
    expect(clock.next()).toBeUndefined();
  });

  it('a search for proof of work ends when its time is over', async () => {
    const clock = jumpingClock();
    // It gives others their turn in between.
    const after = (milliseconds: number, run: () => void) => {
      if (milliseconds > 0) return clock.after(milliseconds, run);
      const turn = setImmediate(run);
      return () => clearImmediate(turn);
    };
    const miner = createInlineMiner({ now: clock.now, after });
    // Loads what it searches with.
    await miner.mine(new Uint8Array(100), 0);
    let outcome = 'searches';
    const searching = miner
      .mine(new Uint8Array(100), 250, { timeLimit: 30 })
      .catch((error: { code: string }) => {
        outcome = error.code;
      });
    await rest();
    clock.jump(jump);
    await rest();
    expect(outcome).toBe('searches');
    await clock.advance(30);
    await searching;
    expect(outcome).toBe('TIMEOUT');
    await miner.close();
  });

  it('a pool drops envelopes of another time, and accepts those of the new one', async () => {
    const clock = jumpingClock();
    const pool = new EnvelopePool({ crypto, clock, policy: { minimumPow: 0 } });
    const envelope = () => {
      const expiry = Math.floor(clock.now() / 1000) + 15;
      return encodeEnvelope({
        expiry,
        ttl: 15,
        topic: crypto.randomBytes(4),
        data: crypto.randomBytes(40),
        nonce: 0n,
      });
    };
    for (let i = 0; i < 5; i++) pool.add(envelope());
    clock.jump(jump);
    await clock.advance(1_000);
    expect(pool.size).toBe(0);
    pool.add(envelope());
    await clock.advance(10_000);
    expect(pool.size).toBe(1);
    pool.close();
  });
});
