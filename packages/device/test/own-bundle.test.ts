import { createMemoryStore } from '@sotto/store-adapters/memory';
import { manualClock } from '@sotto/testing/clock';
import { describe, expect, it } from 'vitest';
import { openMessengerDevice } from '../src/open-device.js';
import { getPeer, newPeerDevice, putPeer } from '../src/peers.js';
import type { PeerDevice } from '../src/storage/records.js';
import { crypto, START } from './world.js';

const identity = crypto.secp256k1.generateKeyPair();

const open = (clock = manualClock(START)) =>
  openMessengerDevice({ identity, store: createMemoryStore(), crypto, clock });

describe('our bundle with further devices of ours', () => {
  it('has them as far as there is room, and is newer than what it replaces', async () => {
    const [device, ...siblings] = [await open(), await open(), await open(), await open()];
    const others = new Map(
      await Promise.all(
        siblings.map(async (sibling) => {
          const { signedPreKeys } = await sibling.read((tx) => sibling.bundle(tx));
          return [...signedPreKeys][0] as [string, never];
        }),
      ),
    );
    const after = BigInt(START + 60_000) * 1_000_000n;
    const bundle = await device.read((tx) => device.bundleWith(tx, others, after));
    expect(bundle.timestamp).toBeGreaterThan(after);
    expect([...bundle.signedPreKeys.keys()].sort()).toEqual(
      [device.installationId, ...[...others.keys()].slice(0, 2)].sort(),
    );
    const alone = await device.read((tx) => device.bundleWith(tx, new Map(), 0n));
    expect([...alone.signedPreKeys.keys()]).toEqual([device.installationId]);
    for (const one of [device, ...siblings]) await one.close();
  });
});

describe('our bundle', () => {
  const paired = (id: string, change: Partial<PeerDevice> = {}): PeerDevice => ({
    ...newPeerDevice(id, true),
    signedPreKey: crypto.secp256k1.generateKeyPair().publicKey,
    version: 5,
    protocolVersion: 1,
    timestamp: 1n,
    ...change,
  });
  async function withSiblings(...devices: readonly PeerDevice[]) {
    const device = await open();
    await device.transaction(async (tx) => {
      const peer = await getPeer(tx, identity.publicKey);
      putPeer(tx, identity.publicKey, { ...peer, devices: [...devices] });
    });
    return device;
  }
  const others = (...ids: readonly string[]) =>
    new Map(
      ids.map((id) => [
        id,
        { signedPreKey: crypto.secp256k1.generateKeyPair().publicKey, version: 9, protocolVersion: 0 },
      ]),
    );

  it('lists this device and the two paired ones that were active last, with what is known of these', async () => {
    const [a, b] = [paired('a', { timestamp: 3n }), paired('b', { timestamp: 2n })];
    const device = await withSiblings(paired('c'), b, a);
    const { signedPreKeys } = await device.read((tx) => device.bundle(tx));
    expect([...signedPreKeys.keys()]).toEqual([device.installationId, 'a', 'b']);
    expect(signedPreKeys.get('a')).toEqual({ signedPreKey: a.signedPreKey, version: 5, protocolVersion: 1 });
    expect(signedPreKeys.get(device.installationId)).toMatchObject({ version: 1, protocolVersion: 1 });
  });

  it('repeats what paired devices offer, without their ML-KEM prekeys, and is new when that changes', async () => {
    const offer = {
      suites: Uint8Array.of(2),
      curve25519PreKey: new Uint8Array(32).fill(1),
      kemPreKeyHash: new Uint8Array(32).fill(2),
    };
    const a = paired('a', { hybrid: { ...offer, kemPreKey: new Uint8Array(0) } });
    const device = await withSiblings(a);
    const bundle = () => device.read((tx) => device.bundle(tx));
    const before = await bundle();
    expect(before.signedPreKeys.get('a')?.hybrid).toEqual(offer);
    expect(await bundle()).toBe(before);
    const changed = { ...offer, kemPreKeyHash: new Uint8Array(32).fill(3) };
    await device.transaction(async (tx) => {
      const peer = await getPeer(tx, identity.publicKey);
      const devices = [{ ...a, hybrid: { ...changed, kemPreKey: new Uint8Array(0) } }];
      putPeer(tx, identity.publicKey, { ...peer, devices });
    });
    expect((await bundle()).signedPreKeys.get('a')?.hybrid).toEqual(changed);
  });

  it('leaves out devices of which no prekey is known', async () => {
    const session = { id: new Uint8Array(16), initiator: false, signedPreKey: identity.publicKey };
    const summary = {
      ...session,
      order: new Uint8Array(8),
      lost: false,
      epoch: 0,
      peerPreKey: identity.publicKey,
      suite: 0,
    };
    const device = await withSiblings(paired('a', { signedPreKey: new Uint8Array(0), sessions: [summary] }));
    const { signedPreKeys } = await device.read((tx) => device.bundle(tx));
    expect([...signedPreKeys.keys()]).toEqual([device.installationId]);
  });

  it('keeps what it knows of a device that is handed in as well, and fills its room with others', async () => {
    const device = await withSiblings(paired('a'));
    const given = others(device.installationId, 'a', 'x', 'y');
    const { signedPreKeys } = await device.read((tx) => device.bundleWith(tx, given, 0n));
    expect([...signedPreKeys].map(([id, { version }]) => `${id} ${version}`)).toEqual([
      `${device.installationId} 1`,
      'a 5',
      'x 9',
    ]);
  });

  it('is newer than what it has to be newer than, by as little as can be', async () => {
    const device = await open();
    const now = BigInt(START) * 1_000_000n;
    const timestampAfter = async (after: bigint) =>
      (await device.read((tx) => device.bundleWith(tx, new Map(), after))).timestamp;
    expect(await timestampAfter(now - 1n)).toBe(now);
    expect(await timestampAfter(now + 1n)).toBe(now + 2n);
    expect(await timestampAfter(now + 3n)).toBe(now + 4n);
  });
});

describe('a public message', () => {
  it('of ours is remembered, so that it is not received again', async () => {
    const device = await open();
    await device.transaction(async (tx) => {
      const message = await device.encodePublic(tx, new Uint8Array([1]));
      await device.rememberSent(tx, message, 'sailing');
      await expect(device.rememberSent(tx, message, 'sailing')).rejects.toMatchObject({
        code: 'DUPLICATE_MESSAGE',
      });
    });
    expect(await device.read((tx) => device.activeInstallations(tx, device.identity))).toEqual([]);
    await device.settled();
    await device.close();
  });
});
