import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  countSkippedKeys,
  decodeState,
  encodeState,
  encryptionId,
  type Network,
  newNetwork,
} from './session-model.js';

it('sessions survive drop, shuffle, duplicate, corrupt and restart', () => {
  const action = fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({ type: fc.constant('send' as const), from: fc.nat(1), size: fc.nat(200) }),
    },
    { weight: 6, arbitrary: fc.record({ type: fc.constant('deliver' as const), pick: fc.nat() }) },
    { weight: 1, arbitrary: fc.record({ type: fc.constant('drop' as const), pick: fc.nat() }) },
    { weight: 1, arbitrary: fc.record({ type: fc.constant('replay' as const), pick: fc.nat() }) },
    {
      weight: 1,
      arbitrary: fc.record({ type: fc.constant('corrupt' as const), pick: fc.nat(), bit: fc.nat() }),
    },
    { weight: 1, arbitrary: fc.record({ type: fc.constant('restart' as const), who: fc.nat(1) }) },
  );
  fc.assert(
    fc.property(fc.array(action, { maxLength: 80 }), (actions) => {
      const network: Network = newNetwork();
      for (const step of actions) {
        if (step.type === 'send') network.send(step.from, step.size);
        else if (step.type === 'deliver') network.deliver(step.pick);
        else if (step.type === 'drop') network.drop(step.pick);
        else if (step.type === 'replay') network.replay(step.pick);
        else if (step.type === 'corrupt') network.corrupt(step.pick, step.bit);
        else {
          const party = network.party(step.who);
          party.state = decodeState(encodeState(party.state));
        }
      }
      network.deliverAll();
      // Every message that was not dropped was read exactly once, and no key or number was used twice.
      expect(network.read.toSorted()).toEqual(network.arrived.toSorted());
      expect(new Set(network.sent.map(encryptionId)).size).toBe(network.sent.length);
      for (const who of [0, 1]) {
        const party = network.party(who);
        expect(party.keys.size).toBe(countSkippedKeys(party.state.skipped));
      }
    }),
    { numRuns: 300 },
  );
}, 120_000);
