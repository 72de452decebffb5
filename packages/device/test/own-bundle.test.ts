import { createMemoryStore } from '@sotto/store-adapters/memory';
import { manualClock } from '@sotto/testing/clock';
import { describe, expect, it } from 'vitest';
import { openMessengerDevice } from '../src/open-device.js';
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
