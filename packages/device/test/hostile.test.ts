import { compareBytes, concatBytes, encodeHex, NO_INSTALLATION, type PublicKey } from '@sotto/core';
import {
  type Bundle,
  type DirectMessage,
  decodeProtocolMessage,
  encodeProtocolMessage,
  type ProtocolMessage,
} from '@sotto/protocol-codec';
import { manualClock } from '@sotto/testing/clock';
import { bundleTimestamp, sealDhFallback, signBundle } from '@sotto/x3dh';
import { describe, expect, it } from 'vitest';
import {
  bytesOf,
  crypto,
  DAY,
  dump,
  HOUR,
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

/** A message taken apart, changed, and put together again, as its sender could. */
function remade(
  message: Uint8Array,
  change: (message: ProtocolMessage) => Partial<ProtocolMessage>,
): Uint8Array {
  const decoded = decodeProtocolMessage(message);
  return encodeProtocolMessage({ ...decoded, ...change(decoded) });
}

function withEntry(message: Uint8Array, change: (entry: DirectMessage) => DirectMessage): Uint8Array {
  return remade(message, ({ directMessages }) => ({
    directMessages: new Map([...directMessages].map(([id, entry]) => [id, change(entry)])),
  }));
}

const handle = (to: Node, from: Node, message: Uint8Array) => () =>
  read(to, from.identity.publicKey, message);

async function session() {
  const [alice, bob] = [await newNode('alice-1'), await newNode('bob-1')];
  await meet(alice, bob);
  return { alice, bob };
}

function bundleOf(
  node: Node,
  devices: Record<string, { key?: Uint8Array; version?: number }>,
  at = START,
): Bundle {
  return signBundle(crypto, node.identity, {
    signedPreKeys: new Map(
      Object.entries(devices).map(([id, { key, version }]) => [
        id,
        {
          signedPreKey: key ?? crypto.secp256k1.generateKeyPair().publicKey,
          version: version ?? 1,
          protocolVersion: 1,
        },
      ]),
    ),
    timestamp: bundleTimestamp(at),
  });
}

const process = (node: Node, bundle: Bundle) => () =>
  node.device.transaction((tx) => node.device.processBundle(tx, bundle));
const knownOf = async (node: Node, of: Node) =>
  (await node.device.transaction((tx) => node.device.devices(tx, of.identity.publicKey))).map(
    ({ installationId, preKeyVersion }) => `${installationId} v${preKeyVersion}`,
  );

describe('hostile cases: decoding', () => {
  it('empty message: no payload', async () => {
    const { alice, bob } = await session();
    expect(await readText(bob, alice, new Uint8Array(0))).toBe('bundle');
  });

  it('truncated, trailing, random: refused', async () => {
    const { alice, bob } = await session();
    const { message } = await write(alice, bob.identity.publicKey, 'x');
    for (const length of [1, 10, message.length >> 1, message.length - 1]) {
      expect(await refused(bob, handle(bob, alice, message.slice(0, length)))).toMatch(/MALFORMED_MESSAGE/);
    }
    expect(await refused(bob, handle(bob, alice, concatBytes(message, Uint8Array.of(0x07))))).toBe(
      'MALFORMED_MESSAGE',
    );
    expect(await readText(bob, alice, message)).toBe('dr: x');
  });

  it('a 64 MiB message is refused before decoding', async () => {
    const { alice, bob } = await session();
    expect(await refused(bob, handle(bob, alice, new Uint8Array(64 * 1024 * 1024)))).toBe('LIMIT_EXCEEDED');
  });
});

describe('hostile cases: bundles', () => {
  it('bad signature, or signer other than identity: nothing is stored', async () => {
    const { alice, bob } = await session();
    const honest = bundleOf(alice, { 'alice-1': {} });
    const forged = { ...bundleOf(bob, { 'alice-1': {} }), identity: alice.identity.publicKey };
    for (const bundle of [
      forged,
      { ...honest, signature: new Uint8Array(65) },
      { ...honest, timestamp: honest.timestamp + 1n },
    ]) {
      expect(await refused(bob, process(bob, bundle))).toBe('BUNDLE_SIGNATURE_INVALID');
      const { message } = await write(alice, bob.identity.publicKey, 'x');
      const carrying = remade(message, () => ({ bundles: [bundle] }));
      expect(await refused(bob, handle(bob, alice, carrying))).toBe('BUNDLE_SIGNATURE_INVALID');
    }
    expect(await knownOf(bob, alice)).toEqual([]);
  });

  it("someone else's bundle in a message is passed over", async () => {
    const { alice, bob } = await session();
    const carol = await newNode('carol-1');
    const { message } = await write(alice, bob.identity.publicKey, 'x');
    const carrying = remade(message, ({ bundles }) => ({
      bundles: [...bundles, bundleOf(carol, { 'carol-evil': {} })],
    }));
    expect(await readText(bob, alice, carrying)).toBe('dr: x');
    expect(await knownOf(bob, carol)).toEqual([]);
  });

  it('an older bundle after a newer one is ignored, monotone per identity and installation', async () => {
    const { alice, bob } = await session();
    await process(bob, bundleOf(alice, { 'alice-1': { version: 3 } }, START + MINUTE))();
    const before = await dump(bob.store);
    await process(bob, bundleOf(alice, { 'alice-1': { version: 2 } }, START))();
    expect(await knownOf(bob, alice)).toEqual(['alice-1 v3']);
    expect(await dump(bob.store)).toBe(before);
  });

  it('a bundle that comes again and again changes nothing, until what is known has changed', async () => {
    const { alice, bob } = await session();
    const older = bundleOf(alice, { 'alice-1': { version: 3 } }, START + MINUTE);
    const newer = bundleOf(alice, { 'alice-1': { version: 4 }, 'alice-2': {} }, START + 2 * MINUTE);
    const unsigned = ({ strictSignature: _, ...bundle }: Bundle, protocolVersion: number): Bundle => ({
      ...bundle,
      signedPreKeys: new Map(
        [...bundle.signedPreKeys].map(([id, preKey]) => [id, { ...preKey, protocolVersion }]),
      ),
    });
    const before = async (bundle: Bundle) => {
      const view = await dump(bob.store);
      const news = await process(bob, bundle)();
      return { news, changed: (await dump(bob.store)) !== view };
    };
    expect((await before(older)).changed).toBe(true);
    for (let i = 0; i < 3; i++) {
      expect(await before(older)).toEqual({
        news: { added: [], rotated: [], lowered: [], reset: [], firstContact: false },
        changed: false,
      });
    }
    expect((await before(newer)).news).toMatchObject({ added: ['alice-2'], rotated: ['alice-1'] });
    // Met before, and still older than what is known.
    expect((await before(older)).changed).toBe(false);
    expect((await before(newer)).changed).toBe(false);
    // What no signature covers is taken from a newer bundle only.
    expect((await before(unsigned(newer, 7))).changed).toBe(false);
    // What the user says of a device makes another record of it.
    await bob.device.transaction((tx) =>
      bob.device.updateDevice(tx, alice.identity.publicKey, 'alice-2', { name: 'laptop' }),
    );
    expect((await before(newer)).changed).toBe(false);
    expect(await refused(bob, process(bob, { ...newer, timestamp: newer.timestamp + 1n }))).toBe(
      'BUNDLE_SIGNATURE_INVALID',
    );
    expect((await knownOf(bob, alice)).toSorted()).toEqual(['alice-1 v4', 'alice-2 v1']);
  });

  it('the same prekey published under another identity takes nothing from its owner', async () => {
    const { alice, bob } = await session();
    const carol = await newNode('carol-1');
    const own = await bob.device.transaction((tx) => bob.device.bundle(tx));
    const stolen = own.signedPreKeys.get('bob-1')?.signedPreKey as Uint8Array;
    await process(alice, bundleOf(carol, { 'bob-1': { key: stolen } }))();
    expect(await talk(alice, bob, 'still for bob')).toBe('dr: still for bob');
    const toCarol = await write(alice, carol.identity.publicKey, 'for carol');
    expect(await refused(bob, handle(bob, alice, toCarol.message))).toBe('AUTHENTICATION_FAILED');
  });

  it('a bad prekey of one device does not stop sending to the others', async () => {
    const { alice, bob } = await session();
    const offCurve = Uint8Array.of(2, ...new Uint8Array(31), 5);
    await process(alice, bundleOf(bob, { 'bob-bad': { key: offCurve }, 'bob-good': {} }, START + 1000))();
    const { devices } = await write(alice, bob.identity.publicKey, 'x');
    expect(devices.map(({ installationId }) => installationId).toSorted()).toEqual(['bob-1', 'bob-good']);
  });

  it('5,000 bundles or 5,000 devices in one message: capped', async () => {
    const { alice, bob } = await session();
    const { message } = await write(alice, bob.identity.publicKey, 'x');
    const [one] = decodeProtocolMessage(message).bundles;
    const many = remade(message, () => ({ bundles: Array.from({ length: 5000 }, () => one as Bundle) }));
    expect(await refused(bob, handle(bob, alice, many))).toBe('LIMIT_EXCEEDED');
    const key = crypto.secp256k1.generateKeyPair().publicKey;
    const devices = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`device ${i}`, { key }]));
    const crowd = remade(message, () => ({ bundles: [bundleOf(alice, devices)] }));
    expect(await refused(bob, handle(bob, alice, crowd))).toBe('LIMIT_EXCEEDED');
    const fifty = Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`device ${i}`, { key }]));
    expect(await refused(bob, process(bob, bundleOf(alice, fifty)))).toBe('BUNDLE_IMPLAUSIBLE');
  });

  it('a far-future timestamp does not push out real devices', async () => {
    const { alice, bob } = await session();
    const future = bundleOf(bob, { 'bob-future': {} }, START + 365 * DAY);
    expect(await refused(alice, process(alice, future))).toBe('BUNDLE_IMPLAUSIBLE');
    expect(await knownOf(alice, bob)).toEqual(['bob-1 v1']);
  });

  it("a peer's clock a year ahead: its bundle is not taken, its messages are read", async () => {
    const { alice, bob } = await session();
    const late = await newNode('alice-2', {
      identity: alice.identity,
      clock: manualClock(START + 365 * DAY),
    });
    await meet(late, bob);
    const { message } = await write(late, bob.identity.publicKey, 'x');
    const outcome = await read(bob, alice.identity.publicKey, message);
    expect(outcome).toMatchObject({ kind: 'message', bundleError: { code: 'BUNDLE_IMPLAUSIBLE' } });
  });

  it('zero prekeys', async () => {
    const { alice, bob } = await session();
    await process(bob, bundleOf(alice, {}))();
    expect(await knownOf(bob, alice)).toEqual([]);
  });

  it('timestamp 0 (old peers) is taken, or not, by an option', async () => {
    const old = await newNode('old-1');
    const undated = signBundle(crypto, old.identity, {
      signedPreKeys: bundleOf(old, { 'old-1': {} }).signedPreKeys,
      timestamp: 0n,
    });
    const [lenient, strict] = [
      await newNode('bob-1'),
      await newNode('bob-2', { limits: { acceptUndatedBundles: false } }),
    ];
    await process(lenient, undated)();
    expect(await knownOf(lenient, old)).toEqual(['old-1 v1']);
    expect(await refused(strict, process(strict, undated))).toBe('BUNDLE_IMPLAUSIBLE');
  });
});

describe('hostile cases: X3DH header', () => {
  it('unknown prekey id: session not found', async () => {
    const { alice, bob } = await session();
    await process(alice, bundleOf(bob, { 'bob-1': { version: 2 } }, START + MINUTE))();
    const { message } = await write(alice, bob.identity.publicKey, 'x');
    expect(await readText(bob, alice, message)).toBe('SESSION_NOT_FOUND');
  });

  it('ephemeral off the curve', async () => {
    const { alice, bob } = await session();
    const { message } = await write(alice, bob.identity.publicKey, 'x');
    const bad = withEntry(message, (entry) => ({
      ...entry,
      x3dhHeader: { id: entry.x3dhHeader?.id as Uint8Array, key: Uint8Array.of(2, ...new Uint8Array(31), 5) },
    }));
    expect(await refused(bob, handle(bob, alice, bad))).toBe('INVALID_PUBLIC_KEY');
    const short = withEntry(message, (entry) => ({
      ...entry,
      x3dhHeader: { id: entry.x3dhHeader?.id as Uint8Array, key: new Uint8Array(0) },
    }));
    expect(await refused(bob, handle(bob, alice, short))).toBe('INVALID_PUBLIC_KEY');
  });

  it('the same ephemeral with its sign byte flipped is the duplicate that it is', async () => {
    const { alice, bob } = await session();
    const { message } = await write(alice, bob.identity.publicKey, 'x');
    await readText(bob, alice, message);
    const flipped = withEntry(message, (entry) => {
      const { id, key } = entry.x3dhHeader as NonNullable<DirectMessage['x3dhHeader']>;
      return { ...entry, x3dhHeader: { id, key: key.with(0, (key[0] as number) ^ 1) } };
    });
    expect(await refused(bob, handle(bob, alice, flipped))).toBe('DUPLICATE_MESSAGE');
  });

  it('header without a DR header', async () => {
    const { alice, bob } = await session();
    const { message } = await write(alice, bob.identity.publicKey, 'x');
    const bad = withEntry(message, ({ drHeader: _, ...entry }) => entry);
    expect(await refused(bob, handle(bob, alice, bad))).toBe('MALFORMED_MESSAGE');
    const none = withEntry(message, ({ payload }) => ({ payload }));
    expect(await refused(bob, handle(bob, alice, none))).toBe('MALFORMED_MESSAGE');
    const two = withEntry(message, (entry) => ({
      ...entry,
      x3dhHeader: { key: entry.x3dhHeader?.key as Uint8Array, id: alice.identity.publicKey },
    }));
    expect(await refused(bob, handle(bob, alice, two))).toBe('MALFORMED_MESSAGE');
  });

  it('replay of a first message: duplicate, before and after a restart, and after its session was dropped', async () => {
    const { alice, bob } = await session();
    const { message } = await write(alice, bob.identity.publicKey, 'x');
    expect(await readText(bob, alice, message)).toBe('dr: x');
    expect(await refused(bob, handle(bob, alice, message))).toBe('DUPLICATE_MESSAGE');
    await bob.reopen();
    expect(await refused(bob, handle(bob, alice, message))).toBe('DUPLICATE_MESSAGE');
    for (let i = 0; i < 10; i++) {
      await alice.device.transaction((tx) => alice.device.resetSessions(tx, bob.identity.publicKey));
      await talk(alice, bob, 'anew');
    }
    expect(await refused(bob, handle(bob, alice, message))).toBe('DUPLICATE_MESSAGE');
  });

  it('replay of a message with no session: duplicate, before and after a restart', async () => {
    const [alice, bob] = [await newNode('alice-1'), await newNode('bob-1')];
    const { message } = await write(alice, bob.identity.publicKey, 'x');
    const said = await alice.device.transaction((tx) => alice.device.encodePublic(tx, bytesOf('all')));
    for (const first of [message, said]) {
      await readText(bob, alice, first);
      expect(await refused(bob, handle(bob, alice, first))).toBe('DUPLICATE_MESSAGE');
    }
    await bob.reopen();
    for (const first of [message, said]) {
      expect(await refused(bob, handle(bob, alice, first))).toBe('DUPLICATE_MESSAGE');
    }
  });

  it('MAC fails: no session, no secret stored', async () => {
    const { alice, bob } = await session();
    const { message } = await write(alice, bob.identity.publicKey, 'x');
    const bad = withEntry(message, (entry) => {
      const payload = entry.payload.slice();
      payload[20] = (payload[20] as number) ^ 1;
      return { ...entry, payload };
    });
    expect(await refused(bob, handle(bob, alice, bad))).toBe('AUTHENTICATION_FAILED');
    expect(await readText(bob, alice, message)).toBe('dr: x');
  });

  it("a header naming someone else's installation gains nothing", async () => {
    const { alice, bob } = await session();
    await talk(alice, bob, 'x');
    await talk(bob, alice, 'y');
    const mallory = await newNode('alice-1');
    await meet(mallory, bob);
    expect(await talk(mallory, bob, 'I am alice')).toBe('dr: I am alice');
    expect(await talk(alice, bob, 'z')).toBe('dr: z');
    const { message } = await write(alice, bob.identity.publicKey, 'mine');
    expect(await refused(bob, handle(bob, mallory, message))).toBe('AUTHENTICATION_FAILED');
    expect(await readText(bob, alice, message)).toBe('dr: mine');
  });

  it('many fresh sessions from one peer: bounded records', async () => {
    const { alice, bob } = await session();
    for (let i = 0; i < 30; i++) {
      await alice.device.transaction((tx) => alice.device.resetSessions(tx, bob.identity.publicKey));
      expect(await talk(alice, bob, `${i}`)).toBe(`dr: ${i}`);
    }
    for (const node of [alice, bob]) {
      const sessions = [];
      for await (const { key } of node.store.list('session/')) sessions.push(key);
      expect(sessions.length).toBeLessThanOrEqual(8);
    }
  });
});

describe('hostile cases: ratchet in a session', () => {
  it('a replay from chains long past is a duplicate, before and after a restart', async () => {
    const { alice, bob } = await session();
    const sent = [];
    for (let turn = 0; turn < 4; turn++) {
      const { message } = await write(alice, bob.identity.publicKey, `${turn}`);
      sent.push(message);
      await readText(bob, alice, message);
      await talk(bob, alice, 'turn');
    }
    for (const message of sent)
      expect(await refused(bob, handle(bob, alice, message))).toBe('DUPLICATE_MESSAGE');
    await bob.reopen();
    for (const message of sent)
      expect(await refused(bob, handle(bob, alice, message))).toBe('DUPLICATE_MESSAGE');
  });

  it('payload of 0, 31, 47 bytes refused', async () => {
    const { alice, bob } = await session();
    const { message } = await write(alice, bob.identity.publicKey, 'x');
    for (const length of [0, 31, 47]) {
      const short = withEntry(message, (entry) => ({ ...entry, payload: new Uint8Array(length) }));
      expect(await refused(bob, handle(bob, alice, short))).toBe('RATCHET_MALFORMED');
    }
  });

  it('a ratchet key of 32 bytes is refused with an error that says so', async () => {
    const { alice, bob } = await session();
    const { message } = await write(alice, bob.identity.publicKey, 'x');
    const old = withEntry(message, (entry) => ({
      ...entry,
      drHeader: { ...(entry.drHeader as NonNullable<DirectMessage['drHeader']>), key: new Uint8Array(32) },
    }));
    await expect(read(bob, alice.identity.publicKey, old)).rejects.toThrow(/before October 2019/);
  });

  it('skipped keys are records of their own, and gone when used or when the session goes', async () => {
    const { alice, bob } = await session();
    const sent = [];
    for (let i = 0; i < 5; i++) sent.push((await write(alice, bob.identity.publicKey, `${i}`)).message);
    const count = async () => {
      let found = 0;
      for await (const _ of bob.store.list('skipped/')) found++;
      return found;
    };
    await readText(bob, alice, sent[4] as Uint8Array);
    expect(await count()).toBe(4);
    await readText(bob, alice, sent[1] as Uint8Array);
    expect(await count()).toBe(3);
    await bob.reopen();
    expect(await refused(bob, handle(bob, alice, sent[1] as Uint8Array))).toBe('DUPLICATE_MESSAGE');
    expect(await readText(bob, alice, sent[0] as Uint8Array)).toBe('dr: 0');
    for (let i = 0; i < 10; i++) {
      await alice.device.transaction((tx) => alice.device.resetSessions(tx, bob.identity.publicKey));
      await talk(alice, bob, 'anew');
    }
    expect(await count()).toBe(0);
  });

  it('a session record has at most 300 bytes without skipped keys', async () => {
    const { alice, bob } = await session();
    for (const [from, to] of [
      [alice, bob],
      [bob, alice],
      [alice, bob],
    ] as const) {
      await talk(from, to, 'x');
      for (const node of [alice, bob]) {
        for await (const { value } of node.store.list('session/'))
          expect(value.length).toBeLessThanOrEqual(300);
      }
    }
  });
});

describe('hostile cases: clocks, devices', () => {
  it('a message without an entry for us says so; one of an unpaired device of ours is known as such', async () => {
    const { alice, bob } = await session();
    const laptop = await newNode('bob-2', { identity: bob.identity });
    const { message } = await write(alice, bob.identity.publicKey, 'x');
    expect(await read(laptop, alice.identity.publicKey, message)).toMatchObject({
      kind: 'unreadable',
      reason: 'DEVICE_NOT_ADDRESSED',
      own: false,
    });
    await meet(bob, alice);
    const fromBob = await write(bob, alice.identity.publicKey, 'y');
    expect(await read(laptop, bob.identity.publicKey, fromBob.message)).toMatchObject({ own: true });
  });

  it('installation id "none", empty, or of 1 MiB', async () => {
    const { alice, bob } = await session();
    for (const installationId of ['none', '']) {
      await expect(newNode(installationId)).rejects.toMatchObject({ code: 'INVALID_TEXT' });
      const { message } = await write(alice, bob.identity.publicKey, 'x');
      const odd = remade(message, () => ({ installationId }));
      expect(await refused(bob, handle(bob, alice, odd))).toBe('INVALID_TEXT');
    }
    await expect(newNode('x'.repeat(1024 * 1024))).rejects.toMatchObject({ code: 'INVALID_TEXT' });
    const { message } = await write(alice, bob.identity.publicKey, 'x');
    const long = remade(message, () => ({ installationId: 'x'.repeat(1024 * 1024) }));
    expect(await refused(bob, handle(bob, alice, long))).toBe('LIMIT_EXCEEDED');
  });

  it('a message to "none" in a session, and one with no sender id outside of any', async () => {
    const { alice, bob } = await session();
    const sealed = sealDhFallback(crypto, bob.identity.publicKey, bytesOf('who am I'));
    const message = encodeProtocolMessage({
      installationId: '',
      bundles: [],
      directMessages: new Map([
        [NO_INSTALLATION, { dhHeader: { key: sealed.ephemeralKey }, payload: sealed.payload }],
      ]),
      publicMessage: undefined,
    });
    expect(await readText(bob, alice, message)).toBe('dh: who am I');
  });

  it('an empty DH message from someone unknown changes no session', async () => {
    const { alice, bob } = await session();
    await talk(alice, bob, 'x');
    await talk(bob, alice, 'y');
    const mallory = await newNode('bob-1');
    const { message } = await mallory.device.transaction((tx) =>
      mallory.device.encryptDh(tx, alice.identity.publicKey, new Uint8Array(0)),
    );
    expect(await read(alice, mallory.identity.publicKey, message)).toMatchObject({ sessionsLost: false });
    const { devices } = await write(alice, bob.identity.publicKey, 'z');
    expect(devices[0]).toMatchObject({ sent: 'dr' });
  });

  it('an empty DH message from before the prekey that is known, or of a device that is not, changes no session', async () => {
    const { alice, bob } = await session();
    await talk(alice, bob, 'x');
    await talk(bob, alice, 'y');
    const { message } = await bob.device.transaction((tx) =>
      bob.device.encryptDh(tx, alice.identity.publicKey, new Uint8Array(0)),
    );
    const unknown = encodeProtocolMessage({ ...decodeProtocolMessage(message), installationId: 'bob-9' });
    for (const { clock } of [alice, bob]) clock.advance(25 * HOUR);
    await bob.device.transaction((tx) => bob.device.rotatePreKeyIfDue(tx));
    await meet(alice, bob);
    for (const late of [message, unknown]) {
      expect(await read(alice, bob.identity.publicKey, late)).toMatchObject({ sessionsLost: false });
    }
    // With the prekey that is known now, it does.
    const recent = await bob.device.transaction((tx) =>
      bob.device.encryptDh(tx, alice.identity.publicKey, new Uint8Array(0)),
    );
    expect(await read(alice, bob.identity.publicKey, recent.message)).toMatchObject({ sessionsLost: true });
  });

  it('a clock that goes back does not spoil sending', async () => {
    const { alice, bob } = await session();
    await talk(alice, bob, 'x');
    alice.clock.advance(-5 * HOUR);
    expect(await talk(alice, bob, 'y')).toBe('dr: y');
    expect(compareBytes(alice.identity.publicKey, bob.identity.publicKey)).not.toBe(0);
  });

  it('ids that look like keys of records or objects are just ids', async () => {
    const { alice } = await session();
    for (const name of ['__proto__', 'constructor', '../../peer', 'a/b%2F', 'device-😀', 'x'.repeat(256)]) {
      const bob = await newNode(name);
      await meet(alice, bob);
      expect(await talk(alice, bob, 'x')).toBe('dr: x');
      expect(await talk(bob, alice, 'y')).toBe('dr: y');
      expect(await talk(alice, bob, 'z')).toBe('dr: z');
    }
  });

  it('no secret is printed', async () => {
    const { alice } = await session();
    const { inspect } = await import('node:util');
    const secret = encodeHex(alice.identity.privateKey);
    const printed = inspect(alice.device, { depth: 12, showHidden: true }) + JSON.stringify(alice.device);
    expect(printed).not.toContain(secret);
    expect(printed).not.toContain([...alice.identity.privateKey].join(', '));
    expect((alice.identity.publicKey as PublicKey).length).toBe(33);
  });
});
