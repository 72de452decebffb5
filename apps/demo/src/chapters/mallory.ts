import { encodeUtf8, type KeyPair, systemClock } from '@sotto/core';
import { openDevice } from '@sotto/device';
import { encodeContactCard, parseContactCard } from '@sotto/identity';
import { decodeContactCode, encodeContactCode } from '@sotto/protocol-codec';
import { createSealedTransport } from '@sotto/whisper-transport';
import type { Chapter } from '../chapter.js';
import type { Device } from '../device.js';
import { befriend, type Stage } from '../stage.js';
import type { Overheard } from '../wiretap.js';

export const mallory: Chapter = {
  name: 'mallory',
  title: 'Mallory: forged and replayed messages',
  async play(stage) {
    const alice = await stage.device('Alice');
    const bob = await stage.device('Bob');
    await befriend(alice, bob);
    await stage.deliver(alice, bob, 'The key is under the mat.');
    await stage.deliver(bob, alice, 'Mallory listens.');
    await forgedCards(stage, alice, bob);
    await onTheNetwork(stage, alice, bob);
    await withAStolenKey(stage, alice, bob);
    await again(stage, alice, bob);
  },
};

async function forgedCards(stage: Stage, alice: Device, bob: Device): Promise<void> {
  const { crypto } = stage;
  const her = crypto.secp256k1.generateKeyPair();
  stage.tell("Mallory gets Alice's card before Bob does. What his phone says of it:");
  const card = encodeContactCard(crypto, { identity: alice.key });
  const herCard = encodeContactCard(crypto, { identity: her.publicKey });
  const expected = alice.key;
  await stage.expectRefused('She has changed a letter', 'INVALID_CONTACT_CARD', () =>
    parseContactCard(
      crypto,
      card.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A')),
      { expected },
    ),
  );
  await stage.expectRefused('She has put her own card in its place', 'WRONG_IDENTITY', () =>
    parseContactCard(crypto, herCard, { expected }),
  );
  const { signedPreKeys, ...bundle } = decodeContactCode(await alice.messenger.contacts.ownCode());
  const forged = new Map(
    [...signedPreKeys].map(([id, preKey]) => [id, { ...preKey, signedPreKey: her.publicKey }]),
  );
  const code = encodeContactCode({ ...bundle, signedPreKeys: forged });
  await stage.expectRefused('She has put her key into what Alice signed', 'BUNDLE_SIGNATURE_INVALID', () =>
    bob.messenger.contacts.add(code),
  );
}

async function onTheNetwork(stage: Stage, alice: Device, bob: Device): Promise<void> {
  stage.tell('She owns the network, changes a bit of an envelope, then sends it as it was:');
  const { topic, envelope } = await caught(stage, alice, bob, 'Look under the pot instead.');
  const before = bob.tap.arrived.length;
  const network = await stage.network.carrier().open({ onEnvelope: () => {} });
  await network.publish(topic, flipped(envelope, 100));
  await stage.settled();
  stage.check('The changed one is thrown away unopened', bob.tap.arrived.length === before);
  for (let times = 0; times < 3; times++) await network.publish(topic, envelope);
  await stage.settled();
  await network.close();
  await stage.expectRead(
    bob,
    ['Look under the pot instead.'],
    'The true one, sent three times, is read once',
  );
}

async function withAStolenKey(stage: Stage, alice: Device, bob: Device): Promise<void> {
  stage.tell("She steals Alice's key, so that she can sign, and changes a message inside:");
  const { channel, payload, topic, envelope } = await caught(stage, alice, bob, 'Meet me at nine.');
  // The message ends with its MAC, the proof that no one has changed it.
  await sendAs(stage, alice.identity, channel, flipped(payload, payload.length - 1));
  const [refusal] = bob.refused.splice(0);
  stage.checkCode('It does not fit the keys of the session', 'AUTHENTICATION_FAILED', refusal?.code);
  stage.check('Bob is shown nothing', bob.inbox.length === 0);
  const network = await stage.network.carrier().open({ onEnvelope: () => {} });
  await network.publish(topic, envelope);
  await stage.settled();
  await network.close();
  await stage.expectRead(
    bob,
    ['Meet me at nine.'],
    'Nothing was spoilt: the true one, when it comes, is read',
  );
}

async function again(stage: Stage, alice: Device, bob: Device): Promise<void> {
  stage.tell("She repeats an old message after Bob's phone was off. What his store says:");
  const payload = alice.tap.sent.at(-1)?.payload ?? new Uint8Array();
  await bob.switchOff();
  const device = await openDevice({
    identity: bob.identity,
    store: await bob.openStore(),
    crypto: stage.crypto,
    clock: systemClock,
  });
  await stage.expectRefused('It was read once, and its key is gone', 'DUPLICATE_MESSAGE', () =>
    device.transaction((tx) => device.decrypt(tx, alice.key, payload)),
  );
  await device.close();
}

/** A message of Alice's that Mallory keeps from the network. */
async function caught(stage: Stage, alice: Device, bob: Device, text: string): Promise<Overheard> {
  alice.tap.catching = true;
  await alice.messenger.send(bob.key, encodeUtf8(text));
  await stage.settled();
  alice.tap.catching = false;
  const overheard = alice.tap.sent.at(-1);
  if (overheard === undefined) throw new Error('Alice has sent nothing.');
  return overheard;
}

/** Signs and seals bytes as someone whose key one has, and sends them. */
async function sendAs(
  stage: Stage,
  identity: KeyPair,
  channel: Overheard['channel'],
  payload: Uint8Array,
): Promise<void> {
  const transport = createSealedTransport(stage.network.carrier(), { ttl: 60 });
  const connection = await transport.connect({ identity, onMessage: async () => {} });
  await connection.send(channel, payload);
  await stage.settled();
  await connection.close();
}

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  return bytes.map((byte, i) => (i === at ? byte ^ 1 : byte));
}
