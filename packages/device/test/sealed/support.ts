import { decodeProtocolMessage } from '@sotto/protocol-codec';
import { NegotiatedSecrets } from '../../src/negotiated-secrets.js';
import { sealMessage, unsealMessage } from '../../src/sealed/sealed-message.js';
import { SealingKeys } from '../../src/sealed/sealing-keys.js';
import { bytesOf, crypto, meet, type Node, newNode, readText } from '../world.js';

/** Opens a device that offers sealed messages. */
export const seals = (name: string, options: Parameters<typeof newNode>[1] = {}) =>
  newNode(name, { speaks: true, sealedSender: true, ...options });

/** Encrypts as a messenger does over a transport that can sign with a pseudonym. */
export const writeTo = (from: Node, to: Node, text: string) =>
  from.device.transaction((tx) =>
    from.device.encryptDirect(tx, to.identity.publicKey, bytesOf(text), { mayBeSealed: true }),
  );

/** Lets two devices write to each other for the first time. */
export async function acquainted(alice: Node, bob: Node): Promise<void> {
  await meet(alice, bob);
  await readText(bob, alice, (await writeTo(alice, bob, 'hello')).message);
  await readText(alice, bob, (await writeTo(bob, alice, 'hi')).message);
}

/** Two who have written to each other. */
export async function pair(options: Parameters<typeof newNode>[1] = {}) {
  const [alice, bob] = [await seals('alice-1', options), await seals('bob-1', options)];
  await acquainted(alice, bob);
  return { alice, bob };
}

/** The keys of sealed messages as a device derives them. */
export const keysOf = (node: Node) =>
  new SealingKeys(crypto, node.identity.publicKey, new NegotiatedSecrets(crypto, node.identity));

/** What is inside of a sealed message for those who have an identity key of the two. */
export const unsealed = (to: Node, from: Node, message: Uint8Array) => {
  const direction = { sender: from.identity.publicKey, recipient: to.identity.publicKey };
  return decodeProtocolMessage(unsealMessage(crypto, keysOf(to), direction, message).message);
};

/** Seals anything as a sender does. */
export const sealAs = (from: Node, to: Node, message: Uint8Array) =>
  sealMessage(
    crypto,
    keysOf(from),
    { sender: from.identity.publicKey, recipient: to.identity.publicKey },
    message,
    from.clock.now(),
  );
