import { Decisions, type FuzzTarget } from '@sotto/testing/fuzz';
import { type Action, runScenario } from '../model.js';

const ACTIONS: readonly ((decisions: Decisions) => Action)[] = [
  (decisions) => ({ type: 'send', from: decisions.byte(), to: decisions.byte() }),
  (decisions) => ({ type: 'deliver', pick: decisions.byte() }),
  (decisions) => ({ type: 'deliver', pick: decisions.byte() }),
  (decisions) => ({ type: 'drop', pick: decisions.byte() }),
  (decisions) => ({ type: 'replay', pick: decisions.byte() }),
  (decisions) => ({ type: 'corrupt', pick: decisions.byte(), bit: decisions.byte() * 7 }),
  (decisions) => ({ type: 'restart', who: decisions.byte() }),
  (decisions) => ({ type: 'advance', hours: [1, 3, 25, 49][decisions.below(4)] as number }),
  (decisions) => ({ type: 'skew', who: decisions.byte(), minutes: decisions.below(19) - 9 }),
  (decisions) => ({ type: 'pair', who: decisions.byte(), enabled: decisions.below(2) === 1 }),
  (decisions) => ({ type: 'lose', who: decisions.byte() }),
];

/** The scenarios of the property test, chosen by the fuzzer. */
export default {
  about: 'conversations of several devices: loss, repeats, restarts, clocks, lost stores',
  isAsync: true,
  // Each scenario makes keys and sessions, and delivers everything at its end.
  mostMs: 5_000,
  *seeds() {
    yield Uint8Array.of(0, 0, 0, 1, 1, 0, 0, 1, 0, 6, 0, 0, 0, 1, 1, 0);
    yield Uint8Array.of(3, 9, 0, 1, 0, 0, 0, 1, 1, 0, 7, 2, 10, 1, 0, 0, 1, 2, 0);
  },
  async run(data) {
    const decisions = new Decisions(data.subarray(0, 64));
    const counts = [1 + decisions.below(2), 1 + decisions.below(2)];
    const actions: Action[] = [];
    while (!decisions.isAtEnd && actions.length < 16) {
      const make = ACTIONS[decisions.below(ACTIONS.length)] as (typeof ACTIONS)[number];
      actions.push(make(decisions));
    }
    await runScenario(counts, actions);
  },
} satisfies FuzzTarget;
