import { compareBytes } from '@sotto/core';
import { attempt, Decisions, demand, type FuzzTarget } from '@sotto/testing/fuzz';
import { decodeMessage, encodeMessage, encodeState } from '../../src/index.js';
import { type Party, pair } from '../party.js';

/** What the input decides, by its first bytes. */
const OPERATIONS = ['send', 'deliver', 'deliver', 'replay', 'change', 'inject'] as const;

export default {
  about: 'messages in sessions: sent, lost, repeated, changed, made up, in any order',
  *seeds() {
    yield Uint8Array.of(0, 0, 1, 0, 0, 1, 1, 0, 0, 0, 0, 0, 1, 1, 1, 0, 3, 0, 4, 0, 7, 1);
    const { alice, bob } = pair();
    const message = encodeMessage(alice.send(Uint8Array.of(1)));
    bob.receive(decodeMessage(message, alice.suite.publicKeyLength));
    yield Uint8Array.of(0, 0, 1, 0, 5, 1, message.length, ...message);
  },
  run(data) {
    const { alice, bob } = pair();
    const parties = [alice, bob] as const;
    const onTheWay: { readonly to: Party; readonly text: number; readonly encoded: Uint8Array }[] = [];
    const delivered: typeof onTheWay = [];
    const decisions = new Decisions(data);
    let sent = 0;
    for (let steps = 0; steps < 40 && !decisions.isAtEnd; steps++) {
      const operation = OPERATIONS[decisions.below(OPERATIONS.length)];
      const pick = decisions.byte();
      const [from, to] = pick % 2 === 0 ? parties : ([bob, alice] as const);
      const chosen = onTheWay[pick % onTheWay.length];
      switch (operation) {
        case 'send': {
          const text = sent++;
          const message = attempt(() => from.send(Uint8Array.of(text)));
          if (message !== undefined) onTheWay.push({ to, text, encoded: encodeMessage(message) });
          break;
        }
        case 'deliver':
          if (chosen === undefined) break;
          onTheWay.splice(onTheWay.indexOf(chosen), 1);
          delivered.push(chosen);
          demand(
            receive(chosen.to, chosen.encoded)?.[0] === chosen.text,
            'A message that is on time is not read.',
          );
          break;
        case 'replay': {
          const earlier = delivered[pick % delivered.length];
          if (earlier !== undefined) refused(earlier.to, earlier.encoded);
          break;
        }
        case 'change': {
          if (chosen === undefined) break;
          const changed = chosen.encoded.slice();
          const at = decisions.byte() % changed.length;
          changed[at] = (changed[at] as number) ^ (1 + decisions.below(255));
          refused(chosen.to, changed);
          break;
        }
        default:
          refused(to, decisions.bytes(200));
      }
    }
  },
} satisfies FuzzTarget;

function receive(party: Party, encoded: Uint8Array): Uint8Array | undefined {
  return attempt(() => party.receive(decodeMessage(encoded, party.suite.publicKeyLength)));
}

/** That it is refused, and changes nothing. */
function refused(party: Party, encoded: Uint8Array): void {
  const before = encodeState(party.state);
  const keys = party.keys.size;
  demand(
    receive(party, encoded) === undefined,
    'A message that nobody sent, or that was read already, is read.',
  );
  demand(
    compareBytes(encodeState(party.state), before) === 0,
    'The state changes although the message is refused.',
  );
  demand(party.keys.size === keys, 'Keys change although the message is refused.');
}
