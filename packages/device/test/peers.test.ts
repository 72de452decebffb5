import { type Bundle, decodeProtocolMessage } from '@sotto/protocol-codec';
import { manualClock } from '@sotto/testing/clock';
import { bundleTimestamp, signBundle } from '@sotto/x3dh';
import { describe, expect, it } from 'vitest';
import { findDevice, getPeer, newPeerDevice, putPeer, withDevice } from '../src/peers.js';
import { crypto, DAY, MINUTE, meet, type Node, newNode, read, refused, START } from './world.js';

const identity = crypto.secp256k1.generateKeyPair();
const preKey = (version = 1) => ({
  signedPreKey: crypto.secp256k1.generateKeyPair().publicKey,
  version,
  protocolVersion: 1,
});
const bundleOf = (devices: Record<string, ReturnType<typeof preKey>>, minutes = 0): Bundle =>
  signBundle(crypto, identity, {
    signedPreKeys: new Map(Object.entries(devices)),
    timestamp: bundleTimestamp(START + minutes * MINUTE),
  });
/** As a deployed peer makes it. */
const deployed = ({ strictSignature: _, ...bundle }: Bundle): Bundle => bundle;
const process = (node: Node, bundle: Bundle) =>
  node.device.transaction((tx) => node.device.processBundle(tx, bundle));
const deviceOf = (node: Node, id: string, of = identity.publicKey) =>
  node.device.read(async (tx) => findDevice(await getPeer(tx, of), id));

describe('a bundle that was verified before', () => {
  it('is verified again when anything of it is different', async () => {
    const node = await newNode('bob-1');
    const bundle = bundleOf({ one: preKey() });
    await process(node, deployed(bundle));
    for (const changed of [
      { ...deployed(bundle), signedPreKeys: new Map([['one', preKey()]]) },
      { ...deployed(bundle), signedPreKeys: new Map([...bundle.signedPreKeys, ['two', preKey()]]) },
      { ...deployed(bundle), timestamp: bundle.timestamp + 1n },
      { ...deployed(bundle), strictSignature: bundle.signature },
    ]) {
      expect(await refused(node, () => process(node, changed))).toBe('BUNDLE_SIGNATURE_INVALID');
    }
    const [[id, known]] = [...bundle.signedPreKeys] as [[string, ReturnType<typeof preKey>]];
    const lowered = { ...bundle, signedPreKeys: new Map([[id, { ...known, protocolVersion: 0 }]]) };
    expect(await refused(node, () => process(node, lowered))).toBe('BUNDLE_SIGNATURE_INVALID');
  });

  it('counts for more when the device sends it itself', async () => {
    const [alice, bob] = [await newNode('alice-1'), await newNode('bob-1')];
    for (let round = 0; round < 2; round++) await meet(bob, alice);
    const { publicKey } = alice.identity;
    expect(await deviceOf(bob, 'alice-1', publicKey)).toMatchObject({ selfAttested: false });
    const { message } = await alice.device.transaction((tx) =>
      alice.device.encryptDh(tx, bob.identity.publicKey, Uint8Array.of(1)),
    );
    const shown = await alice.device.read((tx) => alice.device.bundle(tx));
    expect(decodeProtocolMessage(message).bundles[0]?.timestamp).toBe(shown.timestamp);
    await read(bob, publicKey, message);
    expect(await deviceOf(bob, 'alice-1', publicKey)).toMatchObject({ selfAttested: true });
  });
});

describe('what a bundle changes', () => {
  it('is told: devices that are new, that have a new prekey, that began again, and the first contact', async () => {
    const node = await newNode('bob-1');
    const nothing = { added: [], rotated: [], lowered: [], reset: [], firstContact: false };
    expect(await process(node, bundleOf({}))).toEqual(nothing);
    const one = preKey(5);
    expect(await process(node, bundleOf({ one }))).toEqual({
      ...nothing,
      added: ['one'],
      firstContact: true,
    });
    expect(await process(node, bundleOf({ one }))).toEqual(nothing);
    node.clock.advance(9 * MINUTE);
    const two = preKey(3);
    expect(await process(node, bundleOf({ one, two }, 1))).toEqual({ ...nothing, added: ['two'] });
    expect(await process(node, bundleOf({ one: preKey(6), two }, 2))).toEqual({
      ...nothing,
      rotated: ['one'],
    });
    expect(await process(node, bundleOf({ two: preKey(3) }, 3))).toEqual({
      ...nothing,
      rotated: ['two'],
      reset: ['two'],
    });
  });

  it('of a device that was known by a session alone is new, and the session stays', async () => {
    const node = await newNode('bob-1');
    const session = {
      id: new Uint8Array(16),
      initiator: false,
      signedPreKey: identity.publicKey,
      order: new Uint8Array(8),
      lost: false,
      epoch: 0,
      peerPreKey: new Uint8Array(0),
      suite: 0,
    };
    await node.device.transaction(async (tx) => {
      const known = { ...newPeerDevice('one', true), sessions: [session], version: 9 };
      putPeer(tx, identity.publicKey, withDevice(await getPeer(tx, identity.publicKey), known));
    });
    expect(await process(node, bundleOf({ one: preKey() }))).toMatchObject({
      added: ['one'],
      firstContact: false,
    });
    expect(await deviceOf(node, 'one')).toMatchObject({ version: 1, sessions: [session] });
  });

  it('is nothing about this device itself, and others of ours wait to be enabled', async () => {
    const node = await newNode('bob-1', { identity });
    expect(await process(node, bundleOf({ 'bob-1': preKey(7), two: preKey() }))).toMatchObject({
      added: ['two'],
    });
    const own = await node.device.read((tx) => node.device.devices(tx, identity.publicKey));
    expect(own.map(({ installationId, enabled }) => [installationId, enabled])).toEqual([['two', false]]);
  });

  it('is little once a device is known by strict signatures, and one has none', async () => {
    const node = await newNode('bob-1', { clock: manualClock(START + DAY) });
    const [first, second] = [preKey(1), preKey(2)];
    await process(node, bundleOf({ one: first }));
    expect(await deviceOf(node, 'one')).toMatchObject({ strict: true });
    expect(await process(node, deployed(bundleOf({ one: second }, 1)))).toMatchObject({ rotated: [] });
    expect(await process(node, bundleOf({ one: second }, 2))).toMatchObject({ rotated: ['one'] });
    const other = await newNode('bob-1', { clock: manualClock(START + DAY) });
    await process(other, deployed(bundleOf({ one: first })));
    expect(await deviceOf(other, 'one')).toMatchObject({ strict: false });
    expect(await process(other, deployed(bundleOf({ one: second }, 1)))).toMatchObject({ rotated: ['one'] });
  });
});
