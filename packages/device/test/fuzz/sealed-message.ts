import { compareBytes, isSottoError, type Write } from '@sotto/core';
import { decodeProtocolMessage, encodeBundle, encodeProtocolMessage } from '@sotto/protocol-codec';
import { createMemoryStore } from '@sotto/store-adapters/memory';
import { attempt, Decisions, demand, type FuzzTarget } from '@sotto/testing/fuzz';
import { dayBytes, sealingDay } from '../../src/sealed/sealing-keys.js';
import { decodeSessionContent } from '../../src/sealed/session-content.js';
import { pair, sealAs, seals, writeTo } from '../sealed/support.js';
import { dump, type Node, read, START, textOf } from '../world.js';

/** What the input decides, by its bytes. */
const OPERATIONS = ['send', 'deliver', 'deliver', 'replay', 'change', 'raw', 'inside', 'content'] as const;

/** The stores of two who have written to each other: each input begins with copies of them. */
let acquainted: Promise<{ readonly alice: Node; readonly bob: Node }> | undefined;

export default {
  about:
    'sealed messages in sessions: sent, lost, repeated, changed, with any bytes in each layer, in any order',
  isAsync: true,
  // Each input opens two devices.
  mostMs: 2_000,
  *seeds() {
    // To Bob, to Alice; out of order; again.
    yield Uint8Array.of(0, 0, 1, 0, 0, 1, 1, 0, 0, 0, 0, 0, 1, 1, 1, 0, 3, 0, 3, 1);
    yield Uint8Array.of(0, 0, 4, 0, 19, 1, 4, 0, 3, 9, 1, 0);
    yield Uint8Array.of(5, 0, 40, 0, 1, ...dayBytes(sealingDay(START)), ...new Uint8Array(40));
    yield Uint8Array.of(
      6,
      0,
      20,
      0x12,
      3,
      0x61,
      0x2d,
      0x31,
      0xaa,
      6,
      9,
      10,
      1,
      0x62,
      18,
      4,
      0xe2,
      0x5d,
      1,
      8,
    );
    yield Uint8Array.of(7, 0, 0, 1, 5, 104, 101, 108, 108, 111, 7, 1, 0, 2, 1, 9, 7, 1, 1, 4, 0, 0, 0, 9);
  },
  async run(data) {
    acquainted ??= pair();
    const known = await acquainted;
    const [alice, bob] = await Promise.all([copyOf(known.alice), copyOf(known.bob)]);
    const onTheWay: { from: Node; to: Node; text: string; message: Uint8Array }[] = [];
    const delivered: typeof onTheWay = [];
    const decisions = new Decisions(data);
    for (let steps = 0; steps < 16 && !decisions.isAtEnd; steps++) {
      const operation = OPERATIONS[decisions.below(OPERATIONS.length)];
      const pick = decisions.byte();
      const [from, to] = pick % 2 === 0 ? [alice, bob] : [bob, alice];
      const chosen = onTheWay[pick % onTheWay.length];
      switch (operation) {
        case 'send': {
          const text = `${steps}`;
          const { message, sealed } = await writeTo(from, to, text);
          demand(sealed, 'A message is not sealed although it could be.');
          onTheWay.push({ from, to, text, message });
          break;
        }
        case 'deliver': {
          if (chosen === undefined) break;
          onTheWay.splice(onTheWay.indexOf(chosen), 1);
          delivered.push(chosen);
          const outcome = await read(chosen.to, chosen.from.identity.publicKey, chosen.message);
          demand(
            outcome.kind === 'message' && outcome.sealed && textOf(outcome.payload) === chosen.text,
            'A message is not read, or not as a sealed one.',
          );
          break;
        }
        case 'replay': {
          const earlier = delivered[pick % delivered.length];
          if (earlier !== undefined) await changesNothing(earlier.to, earlier.from, earlier.message);
          break;
        }
        case 'change': {
          if (chosen === undefined) break;
          const changed = chosen.message.slice();
          const at = decisions.byte() % changed.length;
          changed[at] = (changed[at] as number) ^ (1 + decisions.below(255));
          await isInNoSession(chosen.to, chosen.from, changed);
          break;
        }
        case 'raw':
          await isInNoSession(to, from, decisions.bytes(255));
          break;
        case 'inside':
          // Whoever has an identity key of the two can seal what it likes.
          await changesNothing(to, from, sealAs(from, to, decisions.bytes(255)));
          break;
        default:
          await withContent(from, to, await contentOf(from, decisions));
      }
    }
    for (const node of [alice, bob]) await node.device.close();
  },
} satisfies FuzzTarget;

/** Opens a device with a copy of its store. */
async function copyOf({ name, identity, store: original }: Node): Promise<Node> {
  const store = createMemoryStore();
  const writes: Write[] = [];
  for await (const { key, value } of original.list('')) writes.push({ type: 'put', key, value });
  await store.commit(writes);
  return seals(name, { identity, store });
}

/** That a message is refused or can't be read, and leaves the store as it was. */
async function changesNothing(to: Node, from: Node, message: Uint8Array): Promise<void> {
  const before = await dump(to.store);
  try {
    const { kind } = await read(to, from.identity.publicKey, message);
    demand(kind !== 'message', 'A message that nobody sent, or that was read already, is read.');
  } catch (error) {
    if (!isSottoError(error)) throw error;
  }
  demand((await dump(to.store)) === before, 'The store changes although the message is not read.');
}

/**
 * The same of any bytes. They may be a message in the clear of an early client, for which the transport alone says who sent it (wire
 * profile, section 5): so nothing of a session, and nothing sealed.
 */
async function isInNoSession(to: Node, from: Node, message: Uint8Array): Promise<void> {
  const outcome = await read(to, from.identity.publicKey, message).catch((error) => {
    if (!isSottoError(error)) throw error;
    return undefined;
  });
  if (outcome?.kind !== 'message') return changesNothing(to, from, message);
  demand(outcome.protection === 'public' && !outcome.sealed, 'A message that nobody sent is read.');
}

/** What a session encrypts: a bundle of the length that the input says, which may be the sender's own, and any bytes. */
async function contentOf(from: Node, decisions: Decisions): Promise<Uint8Array> {
  const own = decisions.below(2) === 0;
  if (!own) return decisions.bytes(255);
  const bundle = encodeBundle(await from.device.read((tx) => from.device.bundle(tx)));
  const skew = decisions.below(3) - 1;
  const payload = decisions.bytes(80);
  return Uint8Array.of(...dayBytes(bundle.length + skew), ...bundle, ...payload);
}

/** The peer can put what it likes into a session: it is read when it has the peer's bundle, and otherwise changes nothing. */
async function withContent(from: Node, to: Node, content: Uint8Array): Promise<void> {
  const { message } = await from.device.transaction((tx) =>
    from.device.encryptDirect(tx, to.identity.publicKey, content),
  );
  const sealed = sealAs(from, to, encodeProtocolMessage({ ...decodeProtocolMessage(message), bundles: [] }));
  const expected = attempt(() => decodeSessionContent(from.identity.publicKey, content));
  if (expected === undefined) return changesNothing(to, from, sealed);
  const outcome = await read(to, from.identity.publicKey, sealed);
  demand(
    outcome.kind === 'message' && outcome.sealed && compareBytes(outcome.payload, expected.payload) === 0,
    'What the session has is not read.',
  );
}
