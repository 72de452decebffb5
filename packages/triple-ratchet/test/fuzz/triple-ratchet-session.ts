import { compareBytes } from '@sotto/core';
import { attempt, Decisions, demand, type FuzzTarget } from '@sotto/testing/fuzz';
import { encodeTripleHeader } from '../../src/header.js';
import { encodeState } from '../../src/index.js';
import { sealHeader } from '../../src/message.js';
import { bytesOf, crypto, NotOfThisSession, type Party, pair } from '../party.js';

/** What the input decides, by its first bytes. */
const OPERATIONS = ['send', 'deliver', 'deliver', 'replay', 'change', 'inject', 'header'] as const;

export default {
  about:
    'messages in sessions: sent, lost, repeated, changed, made up, with headers of the peer, in any order',
  *seeds() {
    yield Uint8Array.of(0, 0, 1, 0, 0, 1, 1, 0, 0, 0, 0, 0, 1, 1, 1, 0, 3, 0, 4, 0, 7, 1);
    yield Uint8Array.of(0, 0, 1, 0, 6, 1, 40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 9);
    const { alice } = pair();
    const message = alice.send(bytesOf('x'));
    yield Uint8Array.of(0, 0, 1, 0, 5, 1, message.length, ...message);
  },
  run(data) {
    const { alice, bob } = pair();
    const parties = [alice, bob] as const;
    const onTheWay: { readonly to: Party; readonly text: number; readonly message: Uint8Array }[] = [];
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
          onTheWay.push({ to, text, message: from.send(Uint8Array.of(text)) });
          break;
        }
        case 'deliver':
          if (chosen === undefined) break;
          onTheWay.splice(onTheWay.indexOf(chosen), 1);
          delivered.push(chosen);
          demand(
            receive(chosen.to, chosen.message)?.[0] === chosen.text,
            'A message that is on time is not read.',
          );
          break;
        case 'replay': {
          const earlier = delivered[pick % delivered.length];
          if (earlier !== undefined) refused(earlier.to, earlier.message);
          break;
        }
        case 'change': {
          if (chosen === undefined) break;
          const changed = chosen.message.slice();
          const at = decisions.byte() % changed.length;
          changed[at] = (changed[at] as number) ^ (1 + decisions.below(255));
          refused(chosen.to, changed);
          break;
        }
        case 'header': {
          // The peer can say what it likes in a header; without the message key it is still refused.
          const { receiving, nextReceiving } = to.state.headerKeys;
          const key = pick % 4 < 2 ? (receiving ?? nextReceiving) : nextReceiving;
          const header = pick % 8 < 4 ? decisions.bytes(201) : chunkHeader(decisions);
          refused(
            to,
            Uint8Array.of(...sealHeader(crypto, key, header), ...decisions.bytes(80), ...Array(48).fill(0)),
          );
          break;
        }
        default:
          refused(to, decisions.bytes(255));
      }
    }
  },
} satisfies FuzzTarget;

/** A header of the right shape. */
function chunkHeader(decisions: Decisions): Uint8Array {
  const key = new Uint8Array(32).fill(decisions.byte());
  return encodeTripleHeader({
    ratchet: { key, n: decisions.byte(), pn: decisions.byte() },
    sparse: {
      epoch: 1 + decisions.byte(),
      n: decisions.byte(),
      pn: decisions.byte(),
      part: { kind: 'have', chunks: decisions.byte() },
    },
  });
}

function receive(party: Party, message: Uint8Array): Uint8Array | undefined {
  return attempt(() => {
    try {
      return party.receive(message);
    } catch (error) {
      if (error instanceof NotOfThisSession) return undefined;
      throw error;
    }
  });
}

/** That it is refused, and changes nothing. */
function refused(party: Party, message: Uint8Array): void {
  const before = encodeState(party.state);
  const keys = party.keys.size;
  demand(
    receive(party, message) === undefined,
    'A message that nobody sent, or that was read already, is read.',
  );
  demand(
    compareBytes(encodeState(party.state), before) === 0,
    'The state changes although the message is refused.',
  );
  demand(party.keys.size === keys, 'Keys change although the message is refused.');
}
