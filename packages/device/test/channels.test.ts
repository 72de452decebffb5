import { concatBytes, encodeHex } from '@sotto/core';
import {
  type DirectMessage,
  decodeProtocolMessage,
  encodeProtocolMessage,
  type ProtocolMessage,
} from '@sotto/protocol-codec';
import { manualClock } from '@sotto/testing/clock';
import { bundleTimestamp, signBundle } from '@sotto/x3dh';
import { describe, expect, it } from 'vitest';
import { DEFAULT_DEVICE_LIMITS, type DecryptOptions } from '../src/index.js';
import { openMessengerDevice } from '../src/internal.js';
import { getPeer } from '../src/peers.js';
import { sessionTable } from '../src/storage/tables.js';
import { getStrangers } from '../src/strangers.js';
import { bytesOf, crypto, DAY, keptStore, meet, type Node, newNode, refused, START, write } from './world.js';

const receive = (to: Node, from: Node, message: Uint8Array, options?: DecryptOptions) =>
  to.device.transaction((tx) => to.device.decrypt(tx, from.identity.publicKey, message, options));
const inPublic = (name: string) => ({ channel: { kind: 'public', name } as const });
const inPrivate = { channel: { kind: 'private' } as const };

async function two() {
  const [alice, bob] = [await newNode('alice-1'), await newNode('bob-1')];
  await meet(alice, bob);
  const say = () => alice.device.transaction((tx) => alice.device.encodePublic(tx, bytesOf('to all')));
  return { alice, bob, say };
}

describe('a message on a channel', () => {
  it('for all is read in public, and in private only its bundle is taken', async () => {
    const { alice, bob, say } = await two();
    const said = await say();
    expect(await receive(bob, alice, said, inPrivate)).toMatchObject({
      kind: 'bundle',
      senderInstallation: 'alice-1',
      bundleError: undefined,
      sealed: false,
      news: { added: ['alice-1'], firstContact: true },
    });
    expect(await receive(bob, alice, said, inPublic('news'))).toMatchObject({
      kind: 'message',
      protection: 'public',
      payload: bytesOf('to all'),
      senderInstallation: 'alice-1',
      sessionBegun: false,
      sessionsLost: false,
      news: { added: [], rotated: [], lowered: [], reset: [], firstContact: false },
    });
  });

  it('for all has another id on each public channel, and is taken once on each', async () => {
    const { alice, bob, say } = await two();
    const said = await say();
    const ids = [];
    for (const options of [inPublic('news'), inPublic('weather'), undefined]) {
      ids.push(encodeHex((await receive(bob, alice, said, options)).messageId));
      expect(await refused(bob, () => receive(bob, alice, said, options))).toBe('DUPLICATE_MESSAGE');
    }
    expect(new Set(ids).size).toBe(3);
    expect(ids[2]).toBe(encodeHex(crypto.keccak256(alice.identity.publicKey, said)));
    const channelId = crypto.keccak256(crypto.keccak256(alice.identity.publicKey, said), bytesOf('news'));
    expect(ids[0]).toBe(encodeHex(channelId));
  });

  it('for us is read in private, and in public only its bundle is taken, where anyone may have put it', async () => {
    const { alice, bob } = await two();
    const { message } = await write(alice, bob.identity.publicKey, 'for bob');
    expect((await receive(bob, alice, message, inPublic('news'))).kind).toBe('bundle');
    expect(await receive(bob, alice, message, inPrivate)).toMatchObject({
      kind: 'message',
      protection: 'dr',
      sessionBegun: true,
    });
  });

  it('of clients of early 2020, without a ProtocolMessage around it, is read in public, once', async () => {
    const { alice, bob } = await two();
    // Field 1: a text. Field 3: its type.
    const bare = concatBytes(Uint8Array.of(0x0a, 2), bytesOf('hi'), Uint8Array.of(0x18, 1));
    expect(await refused(bob, () => receive(bob, alice, bare, inPrivate))).toBe('MALFORMED_MESSAGE');
    const taken = await receive(bob, alice, bare, { ...inPublic('news'), sentAt: START });
    expect(taken).toEqual({
      kind: 'message',
      messageId: crypto.keccak256(crypto.keccak256(alice.identity.publicKey, bare), bytesOf('news')),
      senderInstallation: '',
      news: { added: [], rotated: [], lowered: [], reset: [], firstContact: false },
      bundleError: undefined,
      sealed: false,
      payload: bare,
      protection: 'public',
      sessionBegun: false,
      sessionsLost: false,
    });
    expect((taken as { payload: Uint8Array }).payload).not.toBe(bare);
    expect(await refused(bob, () => receive(bob, alice, bare, inPublic('news')))).toBe('DUPLICATE_MESSAGE');
    expect((await receive(bob, alice, bare)).kind).toBe('message');
  });

  it('that was sent long before what is remembered is refused, whatever its sender signed', async () => {
    const { alice, bob, say } = await two();
    const at = (ago: number) => ({ ...inPublic('news'), sentAt: START - ago });
    expect((await receive(bob, alice, await say(), at(DAY))).kind).toBe('message');
    // A clock that has run for a day makes its time certain.
    for (let day = 0; day < 3; day++) {
      bob.clock.advance(DAY);
      await bob.reopen();
    }
    expect((await receive(bob, alice, await say(), at(DAY))).kind).toBe('message');
    const before = DEFAULT_DEVICE_LIMITS.seenRetentionMs + DAY;
    const late = await say();
    expect(await refused(bob, () => receive(bob, alice, late, at(before)))).toBe('MESSAGE_TOO_OLD');
  });
});

describe('the bundle that counts', () => {
  it('is the newest of the sender in the message, wherever it stands', async () => {
    const [alice, bob, carol] = [await newNode('alice-1'), await newNode('bob-1'), await newNode('carol-1')];
    const bundle = (node: Node, version: number, minutes: number) =>
      signBundle(crypto, node.identity, {
        signedPreKeys: new Map([
          [
            node.name,
            {
              signedPreKey: crypto.secp256k1.generateKeyPair().publicKey,
              version,
              protocolVersion: 1,
            },
          ],
        ]),
        timestamp: bundleTimestamp(START + minutes * 60_000),
      });
    const versionAfter = async (...bundles: ReturnType<typeof bundle>[]) => {
      const fresh = await newNode('fresh', { clock: manualClock(START) });
      const message = encodeProtocolMessage({
        installationId: 'alice-1',
        bundles,
        directMessages: new Map(),
        publicMessage: undefined,
      });
      const outcome = await receive(fresh, alice, message);
      expect(outcome.kind).toBe('bundle');
      const [known] = await fresh.device.read((tx) => fresh.device.devices(tx, alice.identity.publicKey));
      return known?.preKeyVersion;
    };
    const [old, newer, others] = [bundle(alice, 1, 0), bundle(alice, 2, 1), bundle(carol, 9, 5)];
    expect(await versionAfter(old, newer, others)).toBe(2);
    expect(await versionAfter(others, newer, old)).toBe(2);
    expect(await versionAfter(bundle(alice, 3, 2), bundle(alice, 4, 2))).toBe(3);
    expect(await versionAfter(others)).toBeUndefined();
    await bob.device.close();
  });
});

/** A message as its sender could make it of another one. */
const remade = (message: Uint8Array, change: (decoded: ProtocolMessage) => Partial<ProtocolMessage>) => {
  const decoded = decodeProtocolMessage(message);
  return encodeProtocolMessage({ ...decoded, ...change(decoded) });
};

describe('a message in a session', () => {
  it('is read as such also when it names a key for messages outside of sessions, and without a bundle', async () => {
    const { alice, bob } = await two();
    const { message } = await write(alice, bob.identity.publicKey, 'x');
    const both = remade(message, ({ directMessages }) => ({
      bundles: [],
      directMessages: new Map(
        [...directMessages].map(([id, entry]) => [
          id,
          { ...entry, dhHeader: { key: alice.identity.publicKey } },
        ]),
      ),
    }));
    expect(await receive(bob, alice, both)).toEqual({
      kind: 'message',
      messageId: expect.any(Uint8Array),
      senderInstallation: 'alice-1',
      news: { added: [], rotated: [], lowered: [], reset: [], firstContact: false },
      bundleError: undefined,
      sealed: false,
      payload: bytesOf('x'),
      protection: 'dr',
      sessionBegun: true,
      sessionsLost: false,
    });
    await expect(receive(bob, alice, both)).rejects.toMatchObject({
      code: 'DUPLICATE_MESSAGE',
      details: { messageId: encodeHex(crypto.keccak256(alice.identity.publicKey, both)) },
    });
  });

  it('moves its session to the end, unless it is late or the session is one that we began', async () => {
    const orderAfter = async (minutesBetween: number) => {
      const { alice, bob } = await two();
      const to = bob.identity.publicKey;
      const one = [await write(alice, to, '1'), await write(alice, to, '2')] as const;
      for (const { clock } of [alice, bob]) clock.advance(minutesBetween * 60_000);
      await alice.device.transaction((tx) => alice.device.resetSessions(tx, to));
      const other = await write(alice, to, '3');
      const sessions = () =>
        bob.device.read(async (tx) =>
          (await getPeer(tx, alice.identity.publicKey)).devices[0]!.sessions.map(({ id }) => encodeHex(id)),
        );
      await receive(bob, alice, one[0].message);
      await receive(bob, alice, other.message);
      const [first, second] = await sessions();
      await receive(bob, alice, one[1].message);
      const after = await sessions();
      return [first, second].map((id) => after.indexOf(id as string));
    };
    expect(await orderAfter(0)).toEqual([1, 0]);
    expect(await orderAfter(2)).toEqual([0, 1]);
  });

  it('with headers that contradict each other is refused with the reason', async () => {
    const { alice, bob } = await two();
    const { message } = await write(alice, bob.identity.publicKey, 'x');
    const withEntry = (change: (entry: DirectMessage) => DirectMessage) =>
      remade(message, ({ directMessages }) => ({
        directMessages: new Map([...directMessages].map(([id, entry]) => [id, change(entry)])),
      }));
    const other = crypto.secp256k1.generateKeyPair().publicKey;
    for (const [changed, reason] of [
      [withEntry(({ drHeader: _, ...entry }) => entry), 'no ratchet header'],
      [
        withEntry((entry) => ({ ...entry, drHeader: { ...entry.drHeader!, id: other } })),
        'two prekeys named',
      ],
    ] as const) {
      await expect(receive(bob, alice, changed)).rejects.toMatchObject({
        code: 'MALFORMED_MESSAGE',
        details: { what: 'DirectMessageProtocol', reason },
      });
    }
  });

  it('begins what is known of a device: one of our own waits to be enabled, one of others does not', async () => {
    const [bob, alice] = [await newNode('bob-1'), await newNode('alice-1')];
    const laptop = await newNode('bob-2', { identity: bob.identity });
    for (const from of [alice, laptop]) await meet(from, bob);
    await laptop.device.transaction((tx) =>
      laptop.device.updateDevice(tx, bob.identity.publicKey, 'bob-1', { enabled: true }),
    );
    for (const from of [alice, laptop]) {
      const { message } = await write(from, bob.identity.publicKey, 'x');
      const outcome = await receive(
        bob,
        from,
        remade(message, () => ({ bundles: [] })),
      );
      expect(outcome).toMatchObject({ kind: 'message', protection: 'dr' });
      const [known] = await bob.device.read((tx) => bob.device.devices(tx, from.identity.publicKey));
      expect(known).toMatchObject({ installationId: from.name, enabled: from === alice });
    }
  });

  it('that is not known, or whose state is gone, can not be read: no other session is tried', async () => {
    const { alice, bob } = await two();
    await receive(bob, alice, (await write(alice, bob.identity.publicKey, '1')).message);
    await receive(alice, bob, (await write(bob, alice.identity.publicKey, '2')).message);
    const { message } = await write(alice, bob.identity.publicKey, '3');
    const unknown = remade(message, ({ directMessages }) => ({
      directMessages: new Map(
        [...directMessages].map(([id, entry]) => [
          id,
          { ...entry, drHeader: { ...entry.drHeader!, id: alice.identity.publicKey } },
        ]),
      ),
    }));
    const notFound = { kind: 'unreadable', reason: 'SESSION_NOT_FOUND', own: false };
    expect(await receive(bob, alice, unknown)).toMatchObject(notFound);
    await bob.device.transaction(async (tx) => {
      for (const segments of await tx.keys(sessionTable)) tx.delete(sessionTable, ...segments);
    });
    expect(await receive(bob, alice, message)).toMatchObject(notFound);
  });

  it('in which the peer wrote since it replaced its prekey is not lost by an empty message of it', async () => {
    const { alice, bob } = await two();
    await meet(bob, alice);
    const to = alice.identity.publicKey;
    await receive(alice, bob, (await write(bob, to, '1')).message);
    await receive(bob, alice, (await write(alice, bob.identity.publicKey, '2')).message);
    bob.clock.advance(DAY + 1);
    await bob.device.transaction((tx) => bob.device.rotatePreKeyIfDue(tx));
    alice.clock.advance(DAY);
    const inSession = await write(bob, to, '3');
    expect(inSession.devices).toEqual([{ installationId: 'alice-1', sent: 'dr' }]);
    await receive(alice, bob, inSession.message);
    const { message: empty } = await bob.device.transaction((tx) =>
      bob.device.encryptDh(tx, to, new Uint8Array(0)),
    );
    expect(await receive(alice, bob, empty)).toMatchObject({ kind: 'message', sessionsLost: false });
  });

  it('in which the peer wrote since then speaks for itself alone: other sessions are lost', async () => {
    const { alice, bob } = await two();
    await meet(bob, alice);
    const to = alice.identity.publicKey;
    for (let session = 0; session < 2; session++) {
      await receive(alice, bob, (await write(bob, to, 'x')).message);
      if (session === 0) await bob.device.transaction((tx) => bob.device.resetSessions(tx, to));
    }
    bob.clock.advance(DAY + 1);
    await bob.device.transaction((tx) => bob.device.rotatePreKeyIfDue(tx));
    alice.clock.advance(DAY);
    await receive(alice, bob, (await write(bob, to, 'y')).message);
    const { message: empty } = await bob.device.transaction((tx) =>
      bob.device.encryptDh(tx, to, new Uint8Array(0)),
    );
    expect(await receive(alice, bob, empty)).toMatchObject({ sessionsLost: true });
    const [known] = await alice.device.read(
      async (tx) => (await getPeer(tx, bob.identity.publicKey)).devices,
    );
    expect(known?.sessions.map(({ lost }) => lost)).toEqual([true, false]);
  });

  it('whose state was lost begins anew with its next first message, and is not there twice', async () => {
    const { alice, bob } = await two();
    const [one, again] = [
      await write(alice, bob.identity.publicKey, '1'),
      await write(alice, bob.identity.publicKey, '2'),
    ];
    await receive(bob, alice, one.message);
    await bob.device.transaction(async (tx) => {
      for (const segments of await tx.keys(sessionTable)) tx.delete(sessionTable, ...segments);
    });
    expect(await receive(bob, alice, again.message)).toMatchObject({ sessionBegun: true });
    const { devices } = await bob.device.read((tx) => getPeer(tx, alice.identity.publicKey));
    expect(devices[0]?.sessions).toHaveLength(1);
  });

  it('of a stranger counts the keys that it made us keep, more and fewer', async () => {
    const { alice, bob } = await two();
    const messages: Uint8Array[] = [];
    for (let i = 0; i < 8; i++) messages.push((await write(alice, bob.identity.publicKey, `${i}`)).message);
    const counts: (number | undefined)[] = [];
    for (const at of [2, 5, 0, 6, 1]) {
      await receive(bob, alice, messages[at]!);
      const { wrote } = await bob.device.read((tx) => getStrangers(tx));
      counts.push(wrote[0]?.skippedKeys);
    }
    expect(counts).toEqual([2, 4, 3, 3, 2]);
  });

  it('of a chain that was read completely is a duplicate', async () => {
    const { alice, bob } = await two();
    await meet(bob, alice);
    const to = alice.identity.publicKey;
    const first = (await write(bob, to, '1')).message;
    await receive(alice, bob, first);
    for (let turn = 0; turn < 2; turn++) {
      await receive(bob, alice, (await write(alice, bob.identity.publicKey, 'x')).message);
      await receive(alice, bob, (await write(bob, to, 'y')).message);
    }
    expect(await refused(alice, () => receive(alice, bob, first))).toBe('DUPLICATE_MESSAGE');
  });

  it('fails with what is no fault of the message: that is not taken for an implausible bundle', async () => {
    const [alice, bob] = [await newNode('alice-1'), await newNode('bob-1')];
    let isBroken = false;
    const broken = {
      ...crypto,
      secp256k1: {
        ...crypto.secp256k1,
        parsePublicKey: (bytes: Uint8Array) => {
          if (isBroken) throw new TypeError('a fault of the provider');
          return crypto.secp256k1.parsePublicKey(bytes);
        },
      },
    };
    const device = await openMessengerDevice({
      identity: bob.identity,
      store: keptStore().store,
      crypto: broken,
      clock: manualClock(START),
    });
    const said = await alice.device.transaction((tx) => alice.device.encodePublic(tx, bytesOf('x')));
    isBroken = true;
    const reading = device.transaction((tx) => device.decrypt(tx, alice.identity.publicKey, said));
    await expect(reading).rejects.toThrow(TypeError);
    expect(device.negotiatedSecret(alice.identity.publicKey)).toEqual(
      crypto.secp256k1.ecdh(alice.identity.privateKey, bob.identity.publicKey),
    );
    expect(await device.transaction((tx) => device.certainTime(tx))).toBeUndefined();
  });
});

describe('an empty message outside of sessions', () => {
  /** A session of both, and then Bob lost his store. */
  async function lost() {
    const [alice, bob] = [await newNode('alice-1'), await newNode('bob-1')];
    await meet(alice, bob);
    const { message } = await write(alice, bob.identity.publicKey, '1');
    await receive(bob, alice, message);
    const again = await newNode('bob-1', { identity: bob.identity, clock: manualClock(START + DAY) });
    alice.clock.advance(DAY);
    const report = () =>
      again.device.transaction((tx) =>
        again.device.encryptDh(tx, alice.identity.publicKey, new Uint8Array(0)),
      );
    const next = async () => (await write(alice, bob.identity.publicKey, 'x')).devices[0];
    return { alice, again, report, next };
  }

  it('of a device that lost its store tells that its sessions are lost, once', async () => {
    const { alice, again, report, next } = await lost();
    const { message } = await report();
    expect(await receive(alice, again, message)).toMatchObject({
      kind: 'message',
      protection: 'dh',
      payload: new Uint8Array(0),
      news: { reset: ['bob-1'] },
    });
    expect(await next()).toEqual({ installationId: 'bob-1', sent: 'x3dh+dr' });
  });

  it('with a prekey that was replaced since the session: it is lost, and nothing twice', async () => {
    const [alice, bob] = [await newNode('alice-1'), await newNode('bob-1')];
    await meet(alice, bob);
    const first = await write(alice, bob.identity.publicKey, '1');
    await receive(bob, alice, first.message);
    await receive(alice, bob, (await write(bob, alice.identity.publicKey, '2')).message);
    const empty = async () => {
      const { message } = await bob.device.transaction((tx) =>
        bob.device.encryptDh(tx, alice.identity.publicKey, new Uint8Array(0)),
      );
      return message;
    };
    // While it has the prekey with which the session is known, an empty message says nothing of it.
    expect(await receive(alice, bob, await empty())).toMatchObject({ sessionsLost: false });
    const early = await empty();
    for (const { clock } of [alice, bob]) clock.advance(DAY + 1);
    await bob.device.transaction((tx) => bob.device.rotatePreKeyIfDue(tx));
    const late = await empty();
    expect(await receive(alice, bob, late)).toMatchObject({ sessionsLost: true, sessionBegun: false });
    expect(await refused(alice, () => receive(alice, bob, late))).toBe('no error');
    expect(await receive(alice, bob, late)).toMatchObject({ sessionsLost: false });
    expect(await receive(alice, bob, early)).toMatchObject({ sessionsLost: false });
    // Nor does it say anything without a bundle, with an old one, or from a device that is not known.
    for (const { clock } of [alice, bob]) clock.advance(DAY + 1);
    await bob.device.transaction((tx) => bob.device.rotatePreKeyIfDue(tx));
    const [bundleBefore] = decodeProtocolMessage(early).bundles;
    const news = await bob.device.transaction((tx) => bob.device.encodePublic(tx));
    await receive(alice, bob, news);
    const latest = await empty();
    for (const change of [
      { bundles: [] },
      { bundles: [bundleBefore!] },
      { installationId: 'bob-9', bundles: [] },
    ]) {
      const changed = remade(latest, () => change);
      expect(await receive(alice, bob, changed)).toMatchObject({ kind: 'message', sessionsLost: false });
    }
    expect((await write(alice, bob.identity.publicKey, 'x')).devices).toEqual([
      { installationId: 'bob-1', sent: 'x3dh+dr' },
    ]);
  });
});
