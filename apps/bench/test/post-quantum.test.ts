import { describe, expect, it } from 'vitest';
import { compare } from '../src/post-quantum/report.js';

describe('post-quantum sessions beside those of today', () => {
  it('take turns, of which either is first, and have a cost and a ratio', async () => {
    const order: string[] = [];
    const noting = (name: string) => ({
      operations: 1,
      async run() {
        if (order.at(-1) !== name) order.push(name);
      },
    });
    const { deployed, hybrid, ratio } = await compare(
      { what: 'work', deployed: noting('deployed'), hybrid: noting('hybrid') },
      { rounds: 3, milliseconds: 20 },
    );
    expect(order).toEqual(['deployed', 'hybrid', 'deployed', 'hybrid', 'deployed']);
    expect([deployed, hybrid]).toEqual([expect.any(Number), expect.any(Number)]);
    expect(ratio.median).toBeGreaterThanOrEqual(ratio.low);
    expect(ratio.median).toBeLessThanOrEqual(ratio.high);
  });
});
