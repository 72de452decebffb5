import { encodeHex, isSottoError, type KeyPair, type PublicKey, type Store } from '@sotto/core';
import { decodeProtocolMessage, encodeProtocolMessage, type ProtocolMessage } from '@sotto/protocol-codec';
import { manualClock } from '@sotto/testing/clock';
import { expect } from 'vitest';
import { createHybridSuite } from '../src/hybrid.js';
import { type Device, openDevice, type Protection } from '../src/index.js';
import { NegotiatedSecrets } from '../src/negotiated-secrets.js';
import { isSealed, sealMessage, unsealMessage } from '../src/sealed/sealed-message.js';
import { SealingKeys } from '../src/sealed/sealing-keys.js';
import { bytesOf, crypto, dump, HOUR, keptStore, keptView, MINUTE, START, textOf } from './world.js';

export type Action =
  | { readonly type: 'send'; readonly from: number; readonly to: number }
  | { readonly type: 'deliver' | 'drop' | 'replay'; readonly pick: number }
  | { readonly type: 'corrupt'; readonly pick: number; readonly bit: number }
  | { readonly type: 'restart' | 'lose'; readonly who: number }
  | { readonly type: 'advance'; readonly hours: number }
  | { readonly type: 'skew'; readonly who: number; readonly minutes: number }
  | { readonly type: 'pair'; readonly who: number; readonly enabled: boolean }
  | { readonly type: 'settle' }
  /** Another version is installed: without the hybrid suite, with it, with sealed messages too, in turn. Only in mixed populations. */
  | { readonly type: 'suite'; readonly who: number };

/** Which devices speak the hybrid suite at first: none, every second one, or all. Half of them in the second case, and all in the last, seal. */
export type Population = 'deployed' | 'mixed' | 'hybrid';

const hybridSuite = createHybridSuite(crypto);

interface Node {
  readonly identity: KeyPair;
  readonly name: string;
  readonly clock: ReturnType<typeof manualClock>;
  store: Store;
  device: Device;
  /** Whether it speaks the hybrid suite. */
  speaks: boolean;
  /** Whether it seals, and offers to be sent sealed messages. */
  seals: boolean;
  /** Labels read, to notice a second time, and how each was protected. */
  readonly read: Map<string, Protection>;
}

/** A message on its way to one device. */
interface Envelope {
  readonly from: Node;
  readonly to: Node;
  readonly label: string;
  readonly message: Uint8Array;
  /** The sender encrypted for exactly this device of ours, or for no one in particular. */
  readonly addressed: boolean;
  /** How often the store of the addressee had been lost when it was sent. */
  readonly life: number;
  /** How often the store of the sender had been lost. */
  readonly senderLife: number;
  /** The life of the addressee from which the sender had last read in a session; `undefined` when from none. */
  readonly heard: number | undefined;
}

const sealingKeysOf = (identity: KeyPair) =>
  new SealingKeys(crypto, identity.publicKey, new NegotiatedSecrets(crypto, identity));

/** What is in a message, sealed or not. */
function inside(from: Node, to: PublicKey, message: Uint8Array): ProtocolMessage {
  if (!isSealed(message)) return decodeProtocolMessage(message);
  const direction = { sender: from.identity.publicKey, recipient: to };
  return decodeProtocolMessage(
    unsealMessage(crypto, sealingKeysOf(from.identity), direction, message).message,
  );
}

function isHybridFor({ from, to, message }: Envelope): boolean {
  const { directMessages } = inside(from, to.identity.publicKey, message);
  return directMessages.get(to.name)?.hybridHeader !== undefined;
}

/** Plays a scenario on devices that share nothing but messages, and checks what must hold at each step. */
export async function runScenario(
  devicesPerIdentity: readonly number[],
  actions: readonly Action[],
  population: Population = 'deployed',
) {
  const nodes: Node[] = [];
  const lives = new Map<Node, number>();
  /** The life of another device from which a device has last read in a session. */
  const heard = new Map<Node, Map<Node, number>>();
  const usedNumbers = new Set<string>();
  const onTheWay: Envelope[] = [];
  const delivered: Envelope[] = [];
  const result = { read: 0, hybrid: 0, sealed: 0, undecryptable: 0, refused: 0 };

  const open = async (
    { identity, name, clock, speaks, seals }: Pick<Node, 'identity' | 'name' | 'clock' | 'speaks' | 'seals'>,
    store = keptStore().store,
  ) => ({
    store,
    device: await openDevice({
      identity,
      installationId: name,
      store: keptView(store),
      crypto,
      clock,
      hybrid: speaks ? hybridSuite : undefined,
      sealedSender: seals,
    }),
  });
  const reopen = async (node: Node) => {
    await node.device.close();
    Object.assign(node, await open(node, node.store));
  };
  for (const [index, count] of devicesPerIdentity.slice(0, 4).entries()) {
    const identity = crypto.secp256k1.generateKeyPair();
    for (let n = 0; n < count && nodes.length < 5; n++) {
      const clock = manualClock(START);
      const name = `${index}-${n}`;
      const speaks = population === 'hybrid' || (population === 'mixed' && nodes.length % 2 === 0);
      const seals = population === 'hybrid' || (speaks && nodes.length % 4 === 0);
      const made = { identity, name, clock, speaks, seals, read: new Map() };
      nodes.push({ ...made, ...(await open(made)) });
    }
  }
  const nodeAt = (index: number) => nodes[index % nodes.length] as Node;
  const sameIdentity = (a: Node, b: Node) => a.identity === b.identity;
  const devicesOf = (identity: PublicKey) => nodes.filter((node) => node.identity.publicKey === identity);

  /** Puts one ProtocolMessage on its way to all devices of an identity, as a transport does. */
  const post = (from: Node, to: PublicKey, label: string, message: Uint8Array) => {
    const entries = inside(from, to, message).directMessages;
    for (const [installationId, { drHeader }] of entries) {
      if (drHeader === undefined) continue;
      const id = `${installationId} ${encodeHex(drHeader.key)}/${drHeader.n}`;
      if (usedNumbers.has(id)) throw new Error(`number used twice: ${id}`);
      usedNumbers.add(id);
    }
    for (const node of devicesOf(to)) {
      if (node === from) continue;
      onTheWay.push({
        from,
        to: node,
        label,
        message,
        addressed: entries.has(node.name) || entries.has('none'),
        life: lives.get(node) ?? 0,
        senderLife: lives.get(from) ?? 0,
        heard: heard.get(from)?.get(node),
      });
    }
  };

  const send = async (from: Node, to: PublicKey, label: string) => {
    const { message } = await from.device.transaction((tx) =>
      from.device.encryptDirect(tx, to, bytesOf(label), { mayBeSealed: from.seals }),
    );
    post(from, to, label, message);
    const own = await from.device.transaction(async (tx) =>
      (await from.device.hasPairedDevices(tx)) && to !== from.identity.publicKey
        ? from.device.encryptDirect(tx, from.identity.publicKey, bytesOf(`${label} copy`), {
            mayBeSealed: from.seals,
          })
        : undefined,
    );
    if (own !== undefined) post(from, from.identity.publicKey, `${label} copy`, own.message);
  };

  const deliver = async (envelope: Envelope): Promise<void> => {
    const { from, to, label, message } = envelope;
    delivered.push(envelope);
    const before = await dump(to.store);
    try {
      const outcome = await to.device.transaction((tx) =>
        to.device.decrypt(tx, from.identity.publicKey, message),
      );
      if (outcome.kind === 'unreadable') {
        result.undecryptable++;
        // Told so: the next message will be readable.
        if (!outcome.own) await answer(to, from.identity.publicKey);
        // A device that kept its store and was addressed must have been able to read.
        const isForeign = !to.speaks && isHybridFor(envelope);
        const justified =
          !envelope.addressed || isForeign || envelope.life !== (lives.get(to) ?? 0) || lostSender(envelope);
        if (!justified) throw new Error(`${to.name} could not read ${label}: ${outcome.reason}`);
        return;
      }
      if (outcome.kind === 'bundle' || outcome.payload.length === 0) return;
      if (outcome.protection === 'dr' || outcome.protection === 'pq')
        heard.set(to, (heard.get(to) ?? new Map()).set(from, envelope.senderLife));
      if (to.read.has(label)) throw new Error(`${to.name} read ${label} twice`);
      expect(textOf(outcome.payload)).toBe(label);
      to.read.set(label, outcome.protection);
      result.read++;
      if (outcome.protection === 'pq') result.hybrid++;
      if (outcome.sealed) result.sealed++;
    } catch (error) {
      if (!isSottoError(error)) throw error;
      expect(await dump(to.store)).toBe(before);
      const again = to.read.has(label) || label.startsWith('answer');
      const lost = envelope.life !== (lives.get(to) ?? 0);
      // Written in a session of a store that the addressee has lost, before the sender could know that. The addressee has
      // begun a session since, which is on its way to the sender, and must not give it up because of what doesn't fit it.
      const late = envelope.heard !== undefined && envelope.heard < (lives.get(to) ?? 0);
      if (!again && !lost && !late)
        throw new Error(`${to.name} refused ${label}: ${error.code} ${error.message}`);
      result.undecryptable++;
    }
  };
  const lostSender = ({ to, from }: Envelope) => (lives.get(to) ?? 0) > 0 || (lives.get(from) ?? 0) > 0;

  const roundLabel = (round: number, from: Node, to: KeyPair) =>
    `round ${round} ${from.name} to ${nodes.findIndex(({ identity }) => identity === to)}`;

  let answers = 0;
  const answer = async (from: Node, to: PublicKey) => {
    const { message } = await from.device.transaction((tx) =>
      from.device.encryptDh(tx, to, new Uint8Array(0)),
    );
    post(from, to, `answer ${answers++}`, message);
  };

  /** Something that must be refused, and change nothing. */
  const refuse = async (to: Node, from: Node, message: Uint8Array) => {
    const before = await dump(to.store);
    try {
      const outcome = await to.device.transaction((tx) =>
        to.device.decrypt(tx, from.identity.publicKey, message),
      );
      // Not for this device, or nothing but a bundle: nothing was opened.
      if (outcome.kind === 'message' && outcome.payload.length > 0) {
        throw new Error(`${to.name} opened what it should refuse: ${textOf(outcome.payload)}`);
      }
    } catch (error) {
      if (!isSottoError(error)) throw error;
      expect(await dump(to.store)).toBe(before);
      result.refused++;
    }
  };

  const corrupt = ({ from, to, message }: Envelope, bit: number): Uint8Array => {
    const decoded = inside(from, to.identity.publicKey, message);
    const changed = encodeProtocolMessage({
      ...decoded,
      directMessages: new Map(
        [...decoded.directMessages].map(([id, entry]) => {
          const payload = entry.payload.slice();
          const at = (bit >> 3) % payload.length;
          payload[at] = (payload[at] as number) ^ (1 << (bit & 7));
          return [id, { ...entry, payload }];
        }),
      ),
    });
    if (!isSealed(message)) return changed;
    // By one who has an identity key of the two: all others fail before.
    const direction = { sender: from.identity.publicKey, recipient: to.identity.publicKey };
    return sealMessage(crypto, sealingKeysOf(from.identity), direction, changed, from.clock.now());
  };

  const settle = async () => {
    while (onTheWay.length > 0) await deliver(onTheWay.shift() as Envelope);
  };

  let sent = 0;
  for (const action of actions) {
    switch (action.type) {
      case 'send': {
        const from = nodeAt(action.from);
        const others = nodes.filter((node) => !sameIdentity(node, from));
        const to = others[action.to % Math.max(1, others.length)];
        if (to !== undefined) await send(from, to.identity.publicKey, `message ${sent++}`);
        break;
      }
      case 'deliver':
        if (onTheWay.length > 0)
          await deliver(onTheWay.splice(action.pick % onTheWay.length, 1)[0] as Envelope);
        break;
      case 'drop':
        if (onTheWay.length > 0) onTheWay.splice(action.pick % onTheWay.length, 1);
        break;
      case 'replay': {
        const envelope = delivered[action.pick % Math.max(1, delivered.length)];
        if (envelope?.to.read.has(envelope.label) && envelope.life === (lives.get(envelope.to) ?? 0)) {
          await refuse(envelope.to, envelope.from, envelope.message);
        }
        break;
      }
      case 'corrupt': {
        const envelope = onTheWay[action.pick % Math.max(1, onTheWay.length)];
        if (envelope !== undefined) await refuse(envelope.to, envelope.from, corrupt(envelope, action.bit));
        break;
      }
      case 'restart': {
        await reopen(nodeAt(action.who));
        break;
      }
      case 'lose': {
        const node = nodeAt(action.who);
        lives.set(node, (lives.get(node) ?? 0) + 1);
        // Nobody begins again in the very millisecond of the last bundle.
        node.clock.advance(1);
        // What it read is forgotten with the store: history may bring it again.
        node.read.clear();
        heard.delete(node);
        Object.assign(node, await open(node));
        break;
      }
      case 'advance':
        for (const { clock } of nodes) clock.advance(action.hours * HOUR);
        break;
      case 'skew':
        nodeAt(action.who).clock.advance(action.minutes * MINUTE);
        break;
      case 'pair': {
        const node = nodeAt(action.who);
        const sibling = nodes.find((other) => sameIdentity(other, node) && other !== node);
        if (sibling === undefined) break;
        const bundle = await sibling.device.transaction((tx) => sibling.device.bundle(tx));
        try {
          await node.device.transaction(async (tx) => {
            await node.device.processBundle(tx, bundle);
            await node.device.updateDevice(tx, node.identity.publicKey, sibling.name, {
              enabled: action.enabled,
            });
          });
        } catch (error) {
          // Its clock may have been pushed too far ahead of ours.
          if (!isSottoError(error, 'BUNDLE_IMPLAUSIBLE')) throw error;
        }
        break;
      }
      case 'settle':
        await settle();
        break;
      case 'suite': {
        const node = nodeAt(action.who);
        if (population !== 'mixed') break;
        if (node.seals) Object.assign(node, { speaks: false, seals: false });
        else if (node.speaks) node.seals = true;
        else node.speaks = true;
        // Nobody installs two versions in one millisecond.
        node.clock.advance(1);
        await reopen(node);
        break;
      }
    }
  }

  // A quiet round trip: clocks agree again, everything is delivered, and then every pair talks both ways.
  const latest = Math.max(...nodes.map(({ clock }) => clock.now()));
  for (const { clock } of nodes) clock.advance(latest + MINUTE - clock.now());
  await settle();
  for (let round = 0; round < 3; round++) {
    for (const from of nodes) {
      for (const to of new Set(
        nodes.filter((node) => !sameIdentity(node, from)).map(({ identity }) => identity),
      )) {
        await send(from, to.publicKey, roundLabel(round, from, to));
      }
      await settle();
    }
  }
  // Converged: in the last round each device read what each stranger wrote, those three at most that are addressed.
  for (const from of nodes) {
    for (const to of nodes) {
      if (!sameIdentity(from, to) && !to.read.has(roundLabel(2, from, to.identity))) {
        throw new Error(`${to.name} and ${from.name} did not converge`);
      }
      const protection = to.read.get(roundLabel(2, from, to.identity));
      const best = from.speaks && to.speaks ? 'pq' : 'dr';
      if (!sameIdentity(from, to) && protection !== best) {
        throw new Error(`${to.name} and ${from.name} talk in ${protection}, not in ${best}`);
      }
    }
  }
  return result;
}
