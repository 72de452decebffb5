import { defaultProvider } from '@sotto/crypto';
import { createWorkerMiner } from '@sotto/whisper-transport/miner';
import { afterEach, describe, expect, it } from 'vitest';
import { bigEndian64, leadingZeroBits } from '../src/envelope/envelope.js';
import { loadFastNonceSearch } from '../src/mining/fast-nonce-search.js';
import { createInlineMiner } from '../src/mining/inline-miner.js';
import type { Miner } from '../src/mining/miner.js';
import { createNonceSearch } from '../src/mining/nonce-search.js';
import { type MiningThread, ThreadedMiner } from '../src/mining/threaded-miner.js';
import { manualClock } from './manual-clock.js';

const crypto = defaultProvider();
const bitsOf = (prefix: Uint8Array, nonce: bigint) =>
  leadingZeroBits(crypto.keccak256(prefix, bigEndian64(nonce)));

/** Its turns come at once; its time stands still unless it is told. */
function idleClock() {
  let now = 0;
  return {
    now: () => now,
    pass: (milliseconds: number) => {
      now += milliseconds;
    },
    after(_: number, run: () => void) {
      const timer = setImmediate(run);
      return () => clearImmediate(timer);
    },
  };
}

const miners: Miner[] = [];
const tracked = (miner: Miner) => {
  miners.push(miner);
  return miner;
};
afterEach(async () => {
  for (const miner of miners.splice(0)) await miner.close();
});

describe('a search for nonces', () => {
  it('finds the first, the same with WebAssembly and without, after prefixes of all lengths', async () => {
    const fast = await loadFastNonceSearch();
    expect(fast).not.toBe(createNonceSearch);
    for (const length of [0, 1, 127, 128, 135, 136, 137, 300, 5_000]) {
      const prefix = crypto.randomBytes(length);
      const found = createNonceSearch(prefix).find(8, 0, 100_000);
      expect(bitsOf(prefix, found.nonce)).toBe(found.bits);
      expect(found.bits).toBeGreaterThanOrEqual(8);
      expect(fast(prefix).find(8, 0, 100_000)).toEqual(found);
      const before = createNonceSearch(prefix).find(8, 0, Number(found.nonce));
      expect(before.bits).toBeLessThan(8);
    }
  });

  it('goes on above 32 bits', () => {
    const prefix = crypto.randomBytes(40);
    const from = 2 ** 40 + 5;
    const { nonce, bits } = createNonceSearch(prefix).find(6, from, 10_000);
    expect(nonce).toBeGreaterThanOrEqual(BigInt(from));
    expect(bitsOf(prefix, nonce)).toBe(bits);
  });

  it('serves two prefixes concurrently', async () => {
    const fast = await loadFastNonceSearch();
    const prefixes = [crypto.randomBytes(200), crypto.randomBytes(200)] as const;
    const [a, b] = [fast(prefixes[0]), fast(prefixes[1])];
    for (let i = 0; i < 10; i++) {
      const [x, y] = [a.find(6, 1000 * i, 1000), b.find(6, 1000 * i, 1000)];
      expect([bitsOf(prefixes[0], x.nonce), bitsOf(prefixes[1], y.nonce)]).toEqual([x.bits, y.bits]);
    }
  });
});

const kinds: readonly (readonly [string, () => Miner])[] = [
  ['on this thread', () => createInlineMiner(idleClock())],
  ['in worker threads', () => createWorkerMiner({ threads: 2 })],
];

describe.each(kinds)('a miner %s', (_, create) => {
  it('reaches small and large targets, several concurrently', async () => {
    const miner = tracked(create());
    const prefix = crypto.randomBytes(500);
    const work = [0, 5, 9, 10, 12, 14].map(async (bits) => {
      expect(bitsOf(prefix, await miner.mine(prefix, bits))).toBeGreaterThanOrEqual(bits);
    });
    await Promise.all(work);
  });

  it('stops when the caller aborts, and continues with the next', async () => {
    const miner = tracked(create());
    const prefix = crypto.randomBytes(500);
    const controllers = Array.from({ length: 5 }, () => new AbortController());
    const work = controllers.map(({ signal }) => miner.mine(prefix, 250, { signal }));
    const outcomes = Promise.allSettled(work);
    for (const controller of controllers) controller.abort();
    for (const outcome of await outcomes) expect(outcome).toMatchObject({ reason: { code: 'ABORTED' } });
    await expect(miner.mine(prefix, 250, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'ABORTED',
    });
    expect(bitsOf(prefix, await miner.mine(prefix, 12))).toBeGreaterThanOrEqual(12);
  });

  it('rejects what is in progress when it is closed', async () => {
    const miner = create();
    const work = miner.mine(crypto.randomBytes(500), 250);
    const outcome = expect(work).rejects.toMatchObject({ code: 'CLOSED' });
    await miner.close();
    await outcome;
    await miner.close();
    await expect(miner.mine(crypto.randomBytes(5), 12)).rejects.toMatchObject({ code: 'CLOSED' });
    await expect(miner.mine(crypto.randomBytes(5), 1)).rejects.toMatchObject({ code: 'CLOSED' });
  });
});

describe('work within a time', () => {
  it('on this thread: gives up a target, or returns the best within the time', async () => {
    const clock = idleClock();
    const ticking = {
      ...clock,
      now() {
        clock.pass(10);
        return clock.now();
      },
    };
    const miner = createInlineMiner(ticking);
    const prefix = crypto.randomBytes(100);
    await expect(miner.mine(prefix, 250, { timeLimit: 30 })).rejects.toMatchObject({
      code: 'TIMEOUT',
      details: { milliseconds: 30 },
    });
    expect(bitsOf(prefix, await miner.mineFor(prefix, 50))).toBeGreaterThan(4);
  });

  it('in worker threads: the same', async () => {
    const clock = manualClock();
    const miner = tracked(createWorkerMiner({ threads: 1, clock }));
    const prefix = crypto.randomBytes(100);
    const tooMuch = expect(miner.mine(prefix, 250, { timeLimit: 30 })).rejects.toMatchObject({
      code: 'TIMEOUT',
    });
    const tooLate = expect(miner.mine(prefix, 250, { timeLimit: 30 })).rejects.toMatchObject({
      code: 'TIMEOUT',
    });
    const best = miner.mineFor(prefix, 60);
    await clock.advance(30);
    await Promise.all([tooMuch, tooLate]);
    await clock.advance(30);
    expect(bitsOf(prefix, await best)).toBeGreaterThanOrEqual(0);
  });
});

describe('without threads', () => {
  const prefix = crypto.randomBytes(100);
  const silentThread = (): MiningThread => ({ order() {}, hold() {}, terminate() {} });
  const warnings: string[] = [];
  const logger = {
    debug() {},
    info() {},
    error() {},
    warn: (event: string) => void warnings.push(event),
  };
  const options = { threads: 2, clock: idleClock(), logger };

  it('that cannot be started, the work is done here', async () => {
    const miner = tracked(
      new ThreadedMiner(() => {
        throw new Error('forbidden by the policy of the page');
      }, options),
    );
    expect(bitsOf(prefix, await miner.mine(prefix, 11))).toBeGreaterThanOrEqual(11);
    expect(warnings.splice(0)).toEqual(['mining.no-threads']);
  });

  it('that fail on the way, all work goes on here', async () => {
    const failures: ((reason: string) => void)[] = [];
    const miner = tracked(
      new ThreadedMiner((_, onFailure) => {
        failures.push(onFailure);
        return silentThread();
      }, options),
    );
    const work = Promise.all([10, 11, 12].map((bits) => miner.mine(prefix, bits)));
    expect(failures).toHaveLength(2);
    for (const fail of failures) fail('the program was not found');
    for (const nonce of await work) expect(bitsOf(prefix, nonce)).toBeGreaterThanOrEqual(10);
    expect(warnings.splice(0)).toEqual(['mining.no-threads']);
    expect(bitsOf(prefix, await miner.mine(prefix, 12))).toBeGreaterThanOrEqual(12);
    expect(failures).toHaveLength(2);
  });
});
