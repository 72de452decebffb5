import { describe, expect, it } from 'vitest';
import { DedupSet, isDamage, LruCache, SerialQueue, SottoError } from '../src/index.js';

describe('a cache of what was used last', () => {
  it('evicts what was used least recently, once there is an eighth more than it keeps', () => {
    const cache = new LruCache<string, number>(8);
    for (let i = 0; i < 9; i++) cache.set(`${i}`, i);
    expect(cache.get('0')).toBe(0);
    cache.set('9', 9);
    expect(['0', '1', '2', '3'].map((key) => cache.get(key))).toEqual([0, undefined, undefined, 3]);
  });

  it('creates what is missing, once; a failure leaves it missing', () => {
    const cache = new LruCache<string, string>(2);
    expect(() =>
      cache.getOrCreate('a', () => {
        throw new Error('no');
      }),
    ).toThrow('no');
    expect(cache.getOrCreate('a', () => 'made')).toBe('made');
    expect(cache.getOrCreate('a', () => 'made again')).toBe('made');
    cache.delete('a');
    expect(cache.get('a')).toBeUndefined();
    cache.set('b', 'x');
    cache.clear();
    expect(cache.get('b')).toBeUndefined();
  });
});

describe('a deduplicating set', () => {
  it('forgets the oldest members beyond its limit', () => {
    const seen = new DedupSet<string>(2);
    expect(['a', 'b', 'a', 'c'].map((member) => seen.add(member))).toEqual([true, true, false, true]);
    expect([seen.has('a'), seen.has('b'), seen.has('c')]).toEqual([false, true, true]);
    seen.delete('b');
    expect(seen.add('b')).toBe(true);
  });
});

describe('a queue', () => {
  it('runs one task at a time, in order, and goes on after a failure', async () => {
    const queue = new SerialQueue();
    const log: string[] = [];
    const task = (name: string, fails = false) =>
      queue.run(async () => {
        log.push(`${name} begins`);
        await Promise.resolve();
        log.push(`${name} ends`);
        if (fails) throw new Error(name);
        return name;
      });
    const [first, second] = await Promise.allSettled([task('a', true), task('b')]);
    expect([first?.status, second]).toEqual(['rejected', { status: 'fulfilled', value: 'b' }]);
    expect(log).toEqual(['a begins', 'a ends', 'b begins', 'b ends']);
  });

  it('has settled when every task so far has', async () => {
    const queue = new SerialQueue();
    let done = false;
    const failing = queue.run(async () => {
      await Promise.resolve();
      done = true;
      throw new Error('no');
    });
    failing.catch(() => {});
    await queue.settled();
    expect(done).toBe(true);
  });
});

describe('damage', () => {
  it('is what is wrong with one record, and nothing else', () => {
    const damaged = new SottoError('STORE_CORRUPT', 'x', { what: 'x' });
    const old = new SottoError('STORE_ROLLBACK', 'x', { what: 'x' });
    const unreadable = new SottoError('STATE_CORRUPT', 'x', { what: 'x', reason: 'x' });
    expect([damaged, old, unreadable].every(isDamage)).toBe(true);
    const away = new SottoError('STORE_UNAVAILABLE', 'x', { reason: 'x' });
    expect([away, new Error('x'), undefined].some(isDamage)).toBe(false);
  });
});
