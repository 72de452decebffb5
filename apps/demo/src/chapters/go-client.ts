import { compareBytes, encodeHex, systemClock } from '@sotto/core';
import { createPortableProvider } from '@sotto/crypto';
import { type Device, openDevice } from '@sotto/device';
import { decodeBundle, encodeBundle } from '@sotto/protocol-codec';
import { createMemoryStore } from '@sotto/store-adapters/memory';
import { loadVectors, unhex } from '@sotto/testing/vectors';
import { shuffled } from '../chance.js';
import type { Chapter } from '../chapter.js';
import { shown, table } from '../screen.js';
import type { Stage } from '../stage.js';
import { viewWire } from '../wire-view.js';

/** What Alice's client wrote, and what Bob is to read. */
export type Transcript = ReturnType<typeof loadVectors<'protocol-session'>>['cases'][number];

export const goClient: Chapter = {
  name: 'go-client',
  title: 'Messages of another program',
  async play(stage) {
    stage.tell(
      'Sotto speaks as deployed Status clients do. One of those, in Go, wrote what is recorded here; we have the keys of its Bob, and open it shuffled.',
    );
    for (const transcript of loadTranscripts()) await openTranscript(stage, transcript);
  },
};

function loadTranscripts(): readonly Transcript[] {
  try {
    return loadVectors('protocol-session').cases;
  } catch (cause) {
    throw new Error(
      `the recorded messages can't be read (${(cause as Error).message}). They are in packages/testing/vectors/protocol-session.json; restore the file with \`git checkout\`.`,
      { cause },
    );
  }
}

/** Opens the messages of a record, in an order that the seed decides. */
export async function openTranscript(stage: Stage, transcript: Transcript): Promise<void> {
  const { name, alice, messages } = transcript;
  const { bob, bundle } = await openBob(transcript);
  stage.count(`${name}: our Bob has the keys of the record`, bundle === transcript.bob.bundle);
  const from = createPortableProvider().secp256k1.parsePublicKey(unhex(alice.identity));
  const rows: string[][] = [];
  const kinds: string[] = [];
  let opened = 0;
  for (const message of shuffled(messages, stage.seed)) {
    const { kind, key, number, text, right } = await openMessage(bob, from, message);
    const sentAs = messages.indexOf(message) + 1;
    stage.count(`message ${sentAs} reads as recorded; it gave: ${text}`, right);
    if (right) opened++;
    kinds.push(kind);
    rows.push([`${sentAs}.`, kind, key, number, text]);
  }
  await bob.close();
  if (stage.verbose) for (const row of table(rows, [0, 3])) stage.show(row);
  const many = (kind: string) => kinds.filter((other) => other === kind).length;
  stage.check(
    `${opened} of ${messages.length} read as recorded; ${many('X3DH')} of them in a session`,
    opened === messages.length,
  );
}

async function openMessage(
  bob: Device,
  from: ReturnType<ReturnType<typeof createPortableProvider>['secp256k1']['parsePublicKey']>,
  message: Transcript['messages'][number],
) {
  const bytes = unhex(message.protobuf);
  try {
    const view = viewWire(bytes);
    const outcome = await bob.transaction((tx) => bob.decrypt(tx, from, bytes));
    if (outcome.kind !== 'message') return { ...view, text: outcome.kind, right: false };
    const right = compareBytes(outcome.payload, unhex(message.payload)) === 0;
    return { ...view, text: shown(outcome.payload), right };
  } catch (error) {
    return { kind: 'unreadable', key: '', number: '', text: String(error), right: false };
  }
}

/** Bob with the keys of the record: his prekeys are handed out in the place of random ones. */
async function openBob({ bob }: Transcript): Promise<{ readonly bob: Device; readonly bundle: string }> {
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
  const own = await device.read((tx) => device.bundle(tx));
  // But for the time, which is exact to the millisecond here, and our strict signature it has to be the same bundle.
  const { timestamp, signature } = recorded;
  const bundle = encodeHex(encodeBundle({ ...own, timestamp, signature, strictSignature: undefined }));
  return { bob: device, bundle };
}
