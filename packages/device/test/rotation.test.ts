import { describe, expect, it } from 'vitest';
import { bytesOf, crypto, dump, HOUR, newNode } from './world.js';

describe('reading when the prekey is over its lifetime', () => {
  it('of a device alone: the bundle shows the prekey in use until it is rotated', async () => {
    const { device, clock, store } = await newNode('alice-1');
    clock.advance(25 * HOUR);
    const before = await dump(store);
    const shown = async () =>
      (await device.read((tx) => device.bundle(tx))).signedPreKeys.get('alice-1')?.version;
    expect([await shown(), (await device.read((tx) => device.currentPreKey(tx))).version]).toEqual([1, 1]);
    expect(await dump(store)).toBe(before);
    expect(await device.transaction((tx) => device.rotatePreKeyIfDue(tx))).toBe(true);
    expect(await device.transaction((tx) => device.rotatePreKeyIfDue(tx))).toBe(false);
    expect(await shown()).toBe(2);
  });
});

describe('rotation', () => {
  it('in a transaction that fails: nothing is rotated, and nothing published', async () => {
    const { device, clock, store } = await newNode('alice-1');
    let published = 0;
    device.onPreKeyRotated(() => published++);
    clock.advance(25 * HOUR);
    const before = await dump(store);
    const to = crypto.secp256k1.generateKeyPair().publicKey;
    const failing = device.transaction(async (tx) => {
      await device.encryptDirect(tx, to, bytesOf('hello'));
      throw new Error('changed its mind');
    });
    await expect(failing).rejects.toThrow('changed its mind');
    expect([await dump(store), published]).toEqual([before, 0]);
    await device.transaction((tx) => device.encryptDirect(tx, to, bytesOf('hello')));
    expect(published).toBe(1);
  });
});
