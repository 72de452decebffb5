import { describe, expect, it } from 'vitest';
import { CHUNK_COUNT } from '../src/sparse.js';
import { dice, type SparseParty, sparsePair } from './sparse-support.js';

/** How messages go: who sends the next one, and which are lost. */
interface Traffic {
  readonly sender: (message: number) => 0 | 1;
  readonly isLost: () => boolean;
}

const inTurn = (message: number) => (message % 2) as 0 | 1;

/** Messages of both sides together for one exchange, on average over many. */
function costOf(exchanges: number, { sender, isLost }: Traffic): number {
  const { alice, bob } = sparsePair();
  const parties: readonly [SparseParty, SparseParty] = [alice, bob];
  let messages = 0;
  while (Math.min(alice.state.epoch, bob.state.epoch) <= exchanges) {
    const from = sender(messages++);
    const { header, key } = parties[from].send();
    if (!isLost()) expect(parties[(1 - from) as 0 | 1].receive(header)).toBe(key);
  }
  return messages / exchanges;
}

/** The same with an ideal erasure code, such as Reed-Solomon: any eight chunks that arrive are the whole. */
function costWithErasureCode(exchanges: number, { sender, isLost }: Traffic): number {
  let messages = 0;
  for (let part = 0; part < 2 * exchanges; part++) {
    // The chunks of one side, then a message of the other side that shows that it has the whole. Of a key that is
    // done by carrying the first chunk of the ciphertext.
    const chunkSender = inTurn(Math.ceil(part / 2));
    let arrived = part % 2;
    for (let isKnown = false; !isKnown; ) {
      const from = sender(messages++);
      if (isLost()) continue;
      if (from === chunkSender) arrived++;
      else isKnown = arrived >= CHUNK_COUNT;
    }
  }
  return messages / exchanges;
}

describe('messages for one exchange, beside an erasure code that any eight chunks suffice for', () => {
  it('without loss, in turn: 31, the same', () => {
    const traffic = { sender: inTurn, isLost: () => false };
    expect(costOf(10, traffic)).toBe(31);
    expect(costWithErasureCode(10, traffic)).toBe(31);
  });

  it.each([
    [10, 'in turn', 1.05],
    [50, 'in turn', 1.1],
    [10, 'by lot', 1.1],
    [50, 'by lot', 1.15],
  ] as const)('with %i percent lost, %s: at most %f times as many', (percent, order, most) => {
    const trafficOf = (seed: number): Traffic => {
      const roll = dice(seed);
      const sender = order === 'in turn' ? inTurn : () => (roll() < 0.5 ? 0 : 1);
      return { sender, isLost: () => roll() < percent / 100 };
    };
    const ours = costOf(60, trafficOf(1));
    const ideal = costWithErasureCode(2000, trafficOf(2));
    expect(ours / ideal).toBeLessThan(most);
  });
});
