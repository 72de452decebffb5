import {
  type Bundle,
  decodeProtocolMessage,
  encodeProtocolMessage,
  withoutKemPreKeys,
} from '@sotto/protocol-codec';
import { manualClock } from '@sotto/testing/clock';
import { describe, expect, it } from 'vitest';
import { createHybridSuite } from '../src/hybrid.js';
import { openDevice } from '../src/index.js';
import {
  countRecords,
  crypto,
  DAY,
  HOUR,
  keptView,
  MINUTE,
  meet,
  type Node,
  newNode,
  read,
  readText,
  refused,
  START,
  talk,
  write,
} from './world.js';

const speaker = (name: string, options: Parameters<typeof newNode>[1] = {}) =>
  newNode(name, { speaks: true, ...options });

async function pairOfSpeakers() {
  const [alice, bob] = [await speaker('alice-1'), await speaker('bob-1')];
  await meet(alice, bob);
  return { alice, bob };
}

const entryFor = (message: Uint8Array, name: string) =>
  decodeProtocolMessage(message).directMessages.get(name);
const bundleOf = (node: Node): Promise<Bundle> => node.device.read((tx) => node.device.bundle(tx));
const take = (node: Node, bundle: Bundle) =>
  node.device.transaction((tx) => node.device.processBundle(tx, bundle));
/** How many ML-KEM prekeys the bundles of a message have. */
const kemPreKeysIn = (message: Uint8Array) =>
  decodeProtocolMessage(message)
    .bundles.flatMap(({ signedPreKeys }) => [...signedPreKeys.values()])
    .filter(({ hybrid }) => hybrid?.kemPreKey !== undefined).length;
const sentTo = async (from: Node, to: Node, text = 'x') =>
  (await write(from, to.identity.publicKey, text)).devices;

describe('two devices that offer the hybrid suite', () => {
  it('talk in it from the first message on, and send their ML-KEM prekeys no longer than needed', async () => {
    const { alice, bob } = await pairOfSpeakers();
    const first = await write(alice, bob.identity.publicKey, '1');
    expect(first.devices).toEqual([{ installationId: 'bob-1', sent: 'pq' }]);
    expect(entryFor(first.message, 'bob-1')?.hybridHeader?.handshake).toBeDefined();
    expect(kemPreKeysIn(first.message)).toBe(1);
    expect(await readText(bob, alice, first.message)).toBe('pq: 1');
    const answer = await write(bob, alice.identity.publicKey, '2');
    expect(entryFor(answer.message, 'alice-1')?.hybridHeader?.handshake).toBeUndefined();
    expect(kemPreKeysIn(answer.message)).toBe(0);
    expect(await readText(alice, bob, answer.message)).toBe('pq: 2');
    const third = await write(alice, bob.identity.publicKey, '3');
    expect(entryFor(third.message, 'bob-1')?.hybridHeader?.handshake).toBeUndefined();
    expect(kemPreKeysIn(third.message)).toBe(0);
    expect(await readText(bob, alice, third.message)).toBe('pq: 3');
  });

  it('send them again after a change, until the other one says that it has them', async () => {
    const { alice, bob } = await pairOfSpeakers();
    for (const [from, to] of [
      [alice, bob],
      [bob, alice],
      [alice, bob],
    ] as const) {
      await talk(from, to, 'x');
    }
    // Another offer, and so another prekey.
    await alice.reopen(true, true);
    const [first, second] = [
      await write(alice, bob.identity.publicKey, '1'),
      await write(alice, bob.identity.publicKey, '2'),
    ];
    expect([kemPreKeysIn(first.message), kemPreKeysIn(second.message)]).toEqual([1, 1]);
    await readText(bob, alice, first.message);
    await talk(bob, alice, 'y');
    expect(kemPreKeysIn((await write(alice, bob.identity.publicKey, '3')).message)).toBe(0);
  });

  it('send them to several devices while one of them lacks them, and in public not with a message', async () => {
    const { alice, bob } = await pairOfSpeakers();
    await talk(alice, bob, 'x');
    await talk(bob, alice, 'y');
    const tablet = await speaker('bob-2', { identity: bob.identity });
    await meet(alice, tablet);
    const { message, devices } = await write(alice, bob.identity.publicKey, 'z');
    expect([devices.length, kemPreKeysIn(message)]).toEqual([2, 1]);
    const shown = (payload?: Uint8Array) =>
      alice.device.transaction((tx) => alice.device.encodePublic(tx, payload));
    expect(kemPreKeysIn(await shown())).toBe(1);
    expect(kemPreKeysIn(await shown(new Uint8Array(1)))).toBe(0);
  });

  it('read what is in a session there, whatever other header is beside that of the suite', async () => {
    const { alice, bob } = await pairOfSpeakers();
    const { message } = await write(alice, bob.identity.publicKey, 'x');
    const dh = await alice.device.transaction((tx) =>
      alice.device.encryptDh(tx, bob.identity.publicKey, new Uint8Array(0)),
    );
    const { dhHeader } = [...decodeProtocolMessage(dh.message).directMessages.values()][0] ?? {};
    const decoded = decodeProtocolMessage(message);
    const directMessages = new Map(
      [...decoded.directMessages].map(([name, entry]) => [name, { ...entry, ...(dhHeader && { dhHeader }) }]),
    );
    const both = encodeProtocolMessage({ ...decoded, directMessages });
    expect(both.length).toBeGreaterThan(message.length);
    expect(await readText(bob, alice, both)).toBe('pq: x');
  });

  it('show nothing of number, chain and ratchet key in a message', async () => {
    const { alice, bob } = await pairOfSpeakers();
    const { message } = await write(alice, bob.identity.publicKey, '1');
    const entry = entryFor(message, 'bob-1');
    expect(entry?.drHeader).toBeUndefined();
    expect(entry?.x3dhHeader).toBeUndefined();
  });

  it('repeat the handshake until an answer comes, and read what was lost at first', async () => {
    const { alice, bob } = await pairOfSpeakers();
    const messages: Uint8Array[] = [];
    for (const text of ['1', '2', '3']) {
      messages.push((await write(alice, bob.identity.publicKey, text)).message);
    }
    const [one, two, three] = messages as [Uint8Array, Uint8Array, Uint8Array];
    expect(await readText(bob, alice, two)).toBe('pq: 2');
    expect(await talk(bob, alice, 'answer')).toBe('pq: answer');
    expect(await readText(bob, alice, three)).toBe('pq: 3');
    expect(await readText(bob, alice, one)).toBe('pq: 1');
  });

  it('that begin at the same time settle on one session', async () => {
    const { alice, bob } = await pairOfSpeakers();
    await meet(bob, alice);
    const [a, b] = [
      await write(alice, bob.identity.publicKey, 'a'),
      await write(bob, alice.identity.publicKey, 'b'),
    ];
    expect(await readText(bob, alice, a.message)).toBe('pq: a');
    expect(await readText(alice, bob, b.message)).toBe('pq: b');
    for (let i = 0; i < 3; i++) {
      expect(await talk(alice, bob, `${i}`)).toBe(`pq: ${i}`);
      expect(await talk(bob, alice, `${i}`)).toBe(`pq: ${i}`);
    }
  });

  it('go on over restarts and days, with new prekeys each day', async () => {
    const clock = manualClock(START);
    const [alice, bob] = [await speaker('alice-1', { clock }), await speaker('bob-1', { clock })];
    await meet(alice, bob);
    for (let day = 0; day < 4; day++) {
      expect(await talk(alice, bob, `a${day}`)).toBe(`pq: a${day}`);
      expect(await talk(bob, alice, `b${day}`)).toBe(`pq: b${day}`);
      clock.advance(25 * HOUR);
      await alice.reopen();
      await bob.reopen();
    }
  });

  it('refuse a repetition, in the chain of today and in one that has ended', async () => {
    const { alice, bob } = await pairOfSpeakers();
    const sent: Uint8Array[] = [];
    for (let i = 0; i < 4; i++) {
      const { message } = await write(alice, bob.identity.publicKey, `${i}`);
      sent.push(message);
      expect(await readText(bob, alice, message)).toBe(`pq: ${i}`);
      await talk(bob, alice, 'turn');
    }
    for (const message of sent) {
      expect(await refused(bob, () => read(bob, alice.identity.publicKey, message))).toBe(
        'DUPLICATE_MESSAGE',
      );
    }
  });

  it('begin anew when the record of their session is damaged, on either side, and read what is on the way', async () => {
    // Repeated, as which of two sessions has the lower order is up to chance.
    for (const damagedSide of ['sender', 'receiver', 'sender', 'receiver', 'sender', 'receiver'] as const) {
      const { alice, bob } = await pairOfSpeakers();
      await talk(alice, bob, 'one');
      await talk(bob, alice, 'two');
      const damaged = damagedSide === 'sender' ? alice : bob;
      for await (const { key, value } of damaged.store.list('session/')) {
        value[5] = (value[5] as number) ^ 1;
        await damaged.store.commit([{ type: 'put', key, value }]);
      }
      await damaged.reopen();
      const { message } = await write(alice, bob.identity.publicKey, 'three');
      const isNew = entryFor(message, 'bob-1')?.hybridHeader?.handshake !== undefined;
      expect(isNew).toBe(damagedSide === 'sender');
      expect(await readText(bob, alice, message)).toBe(isNew ? 'pq: three' : 'SESSION_NOT_FOUND');
      expect(await talk(bob, alice, 'four')).toBe('pq: four');
      expect(await talk(alice, bob, 'five')).toBe('pq: five');
    }
  });

  it('begin anew when an old copy of a store was put back: no key is used twice', async () => {
    const { alice, bob } = await pairOfSpeakers();
    await talk(alice, bob, 'one');
    await talk(bob, alice, 'two');
    const copy: { readonly key: string; readonly value: Uint8Array }[] = [];
    for await (const { key, value } of alice.store.list('')) copy.push({ key, value });
    for (const text of ['three', 'four']) await talk(alice, bob, text);
    await alice.device.close();
    for await (const { key } of alice.store.list('')) await alice.store.commit([{ type: 'delete', key }]);
    await alice.store.commit(copy.map(({ key, value }) => ({ type: 'put', key, value })));
    alice.device = await openDevice({
      identity: alice.identity,
      store: { ...keptView(alice.store), continuity: 'rolled-back' },
      crypto,
      clock: alice.clock,
      hybrid: createHybridSuite(crypto),
    });
    const { message } = await write(alice, bob.identity.publicKey, 'five');
    expect(entryFor(message, 'bob-1')?.hybridHeader?.handshake).toBeDefined();
    expect(await readText(bob, alice, message)).toBe('pq: five');
    expect(await talk(bob, alice, 'six')).toBe('pq: six');
    expect(await talk(alice, bob, 'seven')).toBe('pq: seven');
  });

  it('know the last 256 chains that ended, and a repetition in each of them', async () => {
    const { alice, bob } = await pairOfSpeakers();
    const sent: Uint8Array[] = [];
    for (let turn = 0; turn < 260; turn++) {
      const { message } = await write(alice, bob.identity.publicKey, 'x');
      sent.push(message);
      expect(await readText(bob, alice, message)).toBe('pq: x');
      await talk(bob, alice, 'turn');
    }
    expect(await countRecords(bob.store, 'chain')).toBe(256);
    // Without its bundle it is another message as far as its id goes.
    const again = (turn: number) => {
      const message = decodeProtocolMessage(sent.at(turn) as Uint8Array);
      return read(bob, alice.identity.publicKey, encodeProtocolMessage({ ...message, bundles: [] }));
    };
    for (const turn of [-2, -100, -257]) {
      expect(await refused(bob, () => again(turn))).toBe('DUPLICATE_MESSAGE');
    }
    expect(await refused(bob, () => again(-258))).toBe('AUTHENTICATION_FAILED');
    expect(await talk(alice, bob, 'on')).toBe('pq: on');
  });

  it('say of a message whose handshake or session they do not have that it is in no known session', async () => {
    const bob = await newNode('bob-1');
    const [oldPreKey] = [...(await bundleOf(bob)).signedPreKeys.values()];
    await bob.reopen(true);
    const alice = await speaker('alice-1');
    // From before they spoke the suite, they have a session in the other one.
    const before = await newNode('alice-1', { identity: alice.identity });
    await meet(before, bob);
    expect(await talk(before, bob, 'x')).toBe('dr: x');
    alice.clock.advance(1_000);
    bob.clock.advance(1_000);
    await bob.device.transaction((tx) => bob.device.rotatePreKeyIfDue(tx));
    await meet(alice, bob);
    const { message } = await write(alice, bob.identity.publicKey, 'y');
    const decoded = decodeProtocolMessage(message);
    const entry = entryFor(message, 'bob-1');
    const handshake = entry?.hybridHeader?.handshake;
    if (entry?.hybridHeader === undefined || handshake === undefined || oldPreKey === undefined)
      throw new Error('no handshake');
    const withHeader = (change: { readonly handshake: typeof handshake | undefined }) => {
      const changed = { ...entry, hybridHeader: { ...entry.hybridHeader, knownVersion: 0, ...change } };
      return encodeProtocolMessage({ ...decoded, directMessages: new Map([['bob-1', changed]]) });
    };
    for (const unknown of [
      { ...handshake, suite: 3 },
      { ...handshake, id: oldPreKey.signedPreKey },
      { ...handshake, id: alice.identity.publicKey },
      undefined,
    ]) {
      expect(await readText(bob, alice, withHeader({ handshake: unknown }))).toBe('SESSION_NOT_FOUND');
    }
    expect(await readText(bob, alice, message)).toBe('pq: y');
    // Nor does a device that does not speak the suite.
    await bob.reopen(false);
    expect(await readText(bob, alice, (await write(alice, bob.identity.publicKey, 'z')).message)).toBe(
      'SESSION_NOT_FOUND',
    );
  });

  it('refuse a message in which a bit was changed, in header, handshake and body', async () => {
    const { alice, bob } = await pairOfSpeakers();
    const { message } = await write(alice, bob.identity.publicKey, 'x');
    const entry = entryFor(message, 'bob-1');
    const parts = [
      entry?.payload,
      entry?.hybridHeader?.handshake?.kemCiphertext,
      entry?.hybridHeader?.handshake?.curve25519Key,
      entry?.hybridHeader?.handshake?.deviceDigest,
    ];
    for (const part of parts) {
      if (part === undefined) throw new Error('a part is missing');
      const at = Buffer.from(message).indexOf(Buffer.from(part));
      expect(at).toBeGreaterThan(0);
      for (const offset of [0, part.length >> 1, part.length - 1]) {
        const changed = message.slice();
        changed[at + offset] = (changed[at + offset] as number) ^ 1;
        expect(await refused(bob, () => read(bob, alice.identity.publicKey, changed))).toBe(
          'AUTHENTICATION_FAILED',
        );
      }
    }
    expect(await readText(bob, alice, message)).toBe('pq: x');
  });

  it('keep keys of messages that are missing, and delete them with time', async () => {
    const { alice, bob } = await pairOfSpeakers();
    const messages: Uint8Array[] = [];
    for (let i = 0; i < 5; i++) messages.push((await write(alice, bob.identity.publicKey, `${i}`)).message);
    expect(await readText(bob, alice, messages[4] as Uint8Array)).toBe('pq: 4');
    expect(await countRecords(bob.store, 'skipped')).toBeGreaterThan(0);
    expect(await readText(bob, alice, messages[1] as Uint8Array)).toBe('pq: 1');
    bob.clock.advance(46 * DAY);
    await bob.device.transaction((tx) => bob.device.deleteExpired(tx));
    expect(await countRecords(bob.store, 'skipped')).toBe(0);
    const { clock } = bob;
    alice.clock.advance(clock.now() - alice.clock.now());
    expect(await refused(bob, () => read(bob, alice.identity.publicKey, messages[2] as Uint8Array))).toBe(
      'DUPLICATE_MESSAGE',
    );
    expect(await talk(alice, bob, 'later')).toBe('pq: later');
  });

  it('begin again after one of them lost its store', async () => {
    const { alice, bob } = await pairOfSpeakers();
    await talk(alice, bob, '1');
    await talk(bob, alice, '2');
    const { identity, clock } = bob;
    clock.advance(MINUTE);
    const again = await speaker('bob-1', { identity, clock });
    const { message } = await write(alice, identity.publicKey, 'lost');
    const outcome = await read(again, alice.identity.publicKey, message);
    expect(outcome).toMatchObject({ kind: 'unreadable', remedy: { answer: true } });
    const answer = await again.device.transaction((tx) =>
      again.device.encryptDh(tx, alice.identity.publicKey, new Uint8Array(0)),
    );
    await read(alice, identity.publicKey, answer.message);
    expect(await talk(alice, again, 'found')).toBe('pq: found');
    expect(await talk(again, alice, 'indeed')).toBe('pq: indeed');
  });
});

describe('devices with different suites', () => {
  it('talk as before, and nothing in a message for a deployed peer but the offer is new', async () => {
    const [alice, old] = [await speaker('alice-1'), await newNode('old-1')];
    await meet(alice, old);
    const first = await write(alice, old.identity.publicKey, '1');
    expect(first.devices).toEqual([{ installationId: 'old-1', sent: 'x3dh+dr' }]);
    expect(kemPreKeysIn(first.message)).toBe(0);
    expect(await readText(old, alice, first.message)).toBe('dr: 1');
    expect(await talk(old, alice, '2')).toBe('dr: 2');
    expect(await talk(alice, old, '3')).toBe('dr: 3');
  });

  it('of one identity each get their own', async () => {
    const alice = await speaker('alice-1');
    const bob = await speaker('bob-1');
    const { identity } = bob;
    const old = await newNode('bob-2', { identity });
    await meet(alice, bob);
    await meet(alice, old);
    const { message, devices } = await write(alice, identity.publicKey, 'both');
    expect(devices).toEqual(
      expect.arrayContaining([
        { installationId: 'bob-1', sent: 'pq' },
        { installationId: 'bob-2', sent: 'x3dh+dr' },
      ]),
    );
    expect(await readText(bob, alice, message)).toBe('pq: both');
    expect(await readText(old, alice, message)).toBe('dr: both');
  });

  it('move to the hybrid suite as soon as the second one offers it, and late messages of before are read', async () => {
    const [alice, bob] = [await speaker('alice-1'), await newNode('bob-1')];
    await meet(alice, bob);
    expect(await talk(alice, bob, '1')).toBe('dr: 1');
    expect(await talk(bob, alice, '2')).toBe('dr: 2');
    const late = await write(alice, bob.identity.publicKey, 'late');
    await bob.reopen(true);
    bob.clock.advance(1_000);
    expect(await talk(bob, alice, '3')).toBe('dr: 3');
    expect(await talk(alice, bob, '4')).toBe('pq: 4');
    expect(await talk(bob, alice, '5')).toBe('pq: 5');
    expect(await readText(bob, alice, late.message)).toBe('dr: late');
  });
});

describe('what shows of an offer', () => {
  it('without the ML-KEM prekey, as in a picture of a code: the first message goes without, the answer brings it', async () => {
    const [alice, bob] = [await speaker('alice-1'), await speaker('bob-1')];
    await take(alice, withoutKemPreKeys(await bundleOf(bob)));
    const first = await write(alice, bob.identity.publicKey, '1');
    expect(first.devices).toEqual([{ installationId: 'bob-1', sent: 'x3dh+dr' }]);
    expect(kemPreKeysIn(first.message)).toBe(1);
    expect(await readText(bob, alice, first.message)).toBe('dr: 1');
    expect(await talk(bob, alice, '2')).toBe('pq: 2');
    expect(await talk(alice, bob, '3')).toBe('pq: 3');
  });

  it('stripped from the first contact code: the answer shows it', async () => {
    const [alice, bob] = [await speaker('alice-1'), await speaker('bob-1')];
    await take(alice, { ...(await bundleOf(bob)), strictSignature: undefined });
    expect(await talk(alice, bob, '1')).toBe('dr: 1');
    expect(await talk(bob, alice, '2')).toBe('dr: 2');
    expect(await talk(alice, bob, '3')).toBe('pq: 3');
    expect(await talk(bob, alice, '4')).toBe('pq: 4');
  });

  it('is not forgotten for a stripped bundle, an older one, or one of a sibling that does not know it', async () => {
    const { alice, bob } = await pairOfSpeakers();
    const { identity, clock } = bob;
    clock.advance(MINUTE);
    const sibling = await newNode('bob-2', { identity, clock });
    const listed = await bundleOf(bob);
    const preKey = listed.signedPreKeys.get('bob-1');
    if (preKey === undefined) throw new Error('no prekey');
    const { hybrid: _, ...bare } = preKey;
    await take(sibling, { ...listed, strictSignature: undefined });
    await sibling.device.transaction((tx) =>
      sibling.device.updateDevice(tx, identity.publicKey, 'bob-1', { enabled: true }),
    );
    const attempts: Bundle[] = [
      { ...listed, strictSignature: undefined, signedPreKeys: new Map([['bob-1', bare]]) },
      await bundleOf(sibling),
    ];
    clock.advance(MINUTE);
    attempts.push(await bundleOf(sibling));
    for (const attempt of attempts) {
      expect((await take(alice, attempt)).lowered).toEqual([]);
      expect(await sentTo(alice, bob)).toContainEqual({ installationId: 'bob-1', sent: 'pq' });
    }
  });

  it('and is withdrawn by the device itself is believed, and reported once', async () => {
    const { alice, bob } = await pairOfSpeakers();
    await talk(alice, bob, '1');
    await talk(bob, alice, '2');
    await bob.reopen(false);
    bob.clock.advance(MINUTE);
    // It can't read the hybrid suite any more, and says so.
    const { message } = await write(alice, bob.identity.publicKey, 'lost');
    const unreadable = await read(bob, alice.identity.publicKey, message);
    expect(unreadable).toMatchObject({ kind: 'unreadable', remedy: { answer: true } });
    const answer = await bob.device.transaction((tx) =>
      bob.device.encryptDh(tx, alice.identity.publicKey, new Uint8Array(0)),
    );
    const outcome = await read(alice, bob.identity.publicKey, answer.message);
    expect(outcome.news.lowered).toEqual(['bob-1']);
    expect(await talk(alice, bob, '3')).toBe('dr: 3');
    const next = await write(bob, alice.identity.publicKey, '4');
    const later = await read(alice, bob.identity.publicKey, next.message);
    expect(later.news.lowered).toEqual([]);
    expect(later).toMatchObject({ kind: 'message', protection: 'dr' });
  });

  it('with another ML-KEM prekey than the one that was signed is taken without it', async () => {
    const [alice, bob, eve] = [await speaker('alice-1'), await speaker('bob-1'), await speaker('eve-1')];
    const [bundle, foreign] = [await bundleOf(bob), await bundleOf(eve)];
    const preKey = bundle.signedPreKeys.get('bob-1');
    const kemPreKey = foreign.signedPreKeys.get('eve-1')?.hybrid?.kemPreKey;
    if (preKey?.hybrid === undefined || kemPreKey === undefined) throw new Error('no offer');
    const replaced = { ...preKey, hybrid: { ...preKey.hybrid, kemPreKey } };
    await take(alice, { ...bundle, signedPreKeys: new Map([['bob-1', replaced]]) });
    expect(await sentTo(alice, bob)).toEqual([{ installationId: 'bob-1', sent: 'x3dh+dr' }]);
    await take(alice, bundle);
    expect(await sentTo(alice, bob)).toEqual([{ installationId: 'bob-1', sent: 'pq' }]);
  });

  it('is shown to applications', async () => {
    const { alice, bob } = await pairOfSpeakers();
    const devices = await alice.device.read((tx) => alice.device.devices(tx, bob.identity.publicKey));
    expect(devices).toMatchObject([{ installationId: 'bob-1', isHybrid: true }]);
  });
});

describe('a device that did not offer it before', () => {
  it('makes new prekeys when it begins to, and reads what was sent for the old one', async () => {
    const [alice, bob] = [await speaker('alice-1'), await newNode('bob-1')];
    await meet(alice, bob);
    const early = await write(alice, bob.identity.publicKey, 'early');
    await bob.reopen(true);
    expect(await bob.device.read((tx) => bob.device.timeUntilRotation(tx))).toBe(0);
    expect(await bob.device.transaction((tx) => bob.device.rotatePreKeyIfDue(tx))).toBe(true);
    expect((await bundleOf(bob)).signedPreKeys.get('bob-1')).toMatchObject({ version: 2 });
    expect(await readText(bob, alice, early.message)).toBe('dr: early');
  });
});

describe('the provider of a device in the hybrid suite', () => {
  it('need not have X25519 and ML-KEM', () => {
    expect('mlKem768' in crypto).toBe(false);
  });
});

describe('a hybrid suite', () => {
  const started = () => {
    const suite = createHybridSuite(crypto);
    const [identity, peer] = [crypto.secp256k1.generateKeyPair(), crypto.secp256k1.generateKeyPair()];
    const signedPreKey = crypto.secp256k1.generateKeyPair();
    const preKeys = suite.generatePreKeys();
    const party = (installationId: string, { publicKey }: typeof identity) => ({
      identity: publicKey,
      installationId,
      deviceDigest: new Uint8Array(32).fill(installationId.length),
    });
    const [from, to] = [party('laptop', identity), party('tablet-1', peer)];
    const offer = {
      suites: preKeys.suites,
      curve25519PreKey: preKeys.curve25519PublicKey,
      kemPreKeyHash: crypto.sha256(preKeys.kemPublicKey),
      kemPreKey: preKeys.kemPublicKey,
    };
    const begun = suite.begin({ identity, from, to, signedPreKey: signedPreKey.publicKey, offer });
    const { handshake } = begun;
    const accepted = suite.accept({ identity: peer, from, to, signedPreKey, preKeys, handshake });
    return { suite, alice: begun.state, bob: accepted.state };
  };

  it('comes to the same from a state that it has written, and from one that it reads', () => {
    const { suite, alice, bob } = started();
    const { next, message } = suite.encrypt(alice, Uint8Array.of(1));
    const after = [bob, bob.slice()].map((state) => {
      const opened = suite.openHeader(state, message);
      return opened && suite.decrypt(opened, []);
    });
    expect(after[0]?.plaintext).toEqual(Uint8Array.of(1));
    expect(after[1]).toEqual(after[0]);
    const again = suite.openHeader(bob, suite.encrypt(next.slice(), Uint8Array.of(2)).message);
    expect(again && suite.decrypt(again, []).plaintext).toEqual(Uint8Array.of(2));
  });

  it('goes on from an earlier state as if nothing had been done with it', () => {
    const { suite, alice, bob } = started();
    const { message } = suite.encrypt(alice, Uint8Array.of(1));
    for (let times = 0; times < 2; times++) {
      const opened = suite.openHeader(bob, message);
      expect(opened && suite.decrypt(opened, []).plaintext).toEqual(Uint8Array.of(1));
    }
  });
});
