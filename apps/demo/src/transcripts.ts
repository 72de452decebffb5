import { compareBytes, encodeHex, systemClock } from '@sotto/core';
import { createPortableProvider } from '@sotto/crypto';
import { type Device, openDevice } from '@sotto/messenger';
import { decodeBundle, encodeBundle } from '@sotto/protocol-codec';
import { createMemoryStore } from '@sotto/store-adapters/memory';
import { type loadVectors, unhex } from '@sotto/test-vectors';
import { shuffled } from './chance.js';
import type { Checks } from './checks.js';
import { explain, type Screen, shown, styled, table, title } from './screen.js';
import { viewWire } from './wire-view.js';

/** What Alice's client wrote, and what Bob is to read. */
export type Transcript = ReturnType<typeof loadVectors<'protocol-session'>>['cases'][number];

/** Part 1: messages that a deployed client wrote are opened, in an order that the seed decides. */
export async function openTranscripts(
  screen: Screen,
  checks: Checks,
  transcripts: readonly Transcript[],
  seed: number,
): Promise<void> {
  title(screen, 'Part 1: messages of a deployed client');
  explain(screen, 'What Alice of the Go client wrote, as recorded. Sotto has the keys of her Bob,');
  explain(screen, `and gets it shuffled (seed ${seed}). A chain is named by its ratchet key.`);
  for (const transcript of transcripts) {
    checks.section(`Go client, ${transcript.name}`);
    try {
      await openTranscript(screen, checks, transcript, seed);
    } catch (error) {
      checks.broke(error);
    }
  }
}

async function openTranscript(
  screen: Screen,
  checks: Checks,
  transcript: Transcript,
  seed: number,
): Promise<void> {
  const { name, alice, messages } = transcript;
  screen.line();
  screen.line(styled(`${name}: ${messages.length} messages`, 'bold'));
  const bob = await openBob(checks, transcript);
  const from = createPortableProvider().secp256k1.parsePublicKey(unhex(alice.identity));

  const rows: string[][] = [
    ['', 'sent as', 'kind', 'chain', 'no.', 'text'].map((text) => styled(text, 'gray')),
  ];
  for (const message of shuffled(messages, seed)) {
    const bytes = unhex(message.protobuf);
    const { kind, chain, number } = viewWire(bytes);
    const sentAs = messages.indexOf(message) + 1;
    let text: string;
    let right = false;
    try {
      const outcome = await bob.ledger.run((work) => bob.decrypt(work, from, bytes));
      right = outcome.kind === 'message' && compareBytes(outcome.payload, unhex(message.payload)) === 0;
      text = outcome.kind === 'message' ? shown(outcome.payload) : outcome.kind;
    } catch (error) {
      text = String(error);
    }
    checks.count(`message ${sentAs} reads as recorded; it gave: ${text}`, right);
    const mark = right ? styled('✓', 'green') : styled('✗', 'red', 'bold');
    rows.push([mark, `${sentAs}`, styled(kind, COLOURS[kind]), chain, number, text]);
  }
  for (const row of table(rows, [1, 4])) screen.line(`  ${row}`);
  await bob.close();
}

const COLOURS = {
  'DH fallback': 'yellow',
  X3DH: 'cyan',
  ratchet: 'green',
  public: 'magenta',
  'bundle only': 'gray',
} as const;

/** Bob with the keys of the record: his prekeys are handed out in the place of random ones. */
async function openBob(checks: Checks, { bob }: Transcript): Promise<Device> {
  const { randomBytes } = createPortableProvider();
  const preKeys = bob.signedPreKeys.map((preKey) => unhex(preKey.private));
  const crypto = createPortableProvider({ random: (length) => preKeys.shift() ?? randomBytes(length) });
  const recorded = decodeBundle(unhex(bob.bundle));
  const now = Number(recorded.timestamp / 1_000_000n);
  const device = await openDevice({
    identity: crypto.secp256k1.keyPairFromPrivateKey(unhex(bob.identityPrivate)),
    installationId: bob.installationId,
    store: createMemoryStore(),
    crypto,
    clock: { ...systemClock, now: () => now },
  });
  const own = await device.ledger.run((work) => device.bundle(work));
  // Signatures are deterministic: the same keys at the same time make the same bundle, byte for byte.
  const made = encodeHex(
    encodeBundle({ ...own, timestamp: recorded.timestamp, signature: recorded.signature }),
  );
  checks.count("Bob's bundle has the keys of the record", made === encodeHex(encodeBundle(recorded)));
  return device;
}
