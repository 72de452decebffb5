import { encodeHex } from '@sotto/core';
import { settableClock } from '@sotto/testing/clock';
import { describe, expect, it } from 'vitest';
import { openMessengerDevice } from '../src/internal.js';
import { deleteExpiredPreKeys, findPreKey } from '../src/pre-keys.js';
import { preKeyTable } from '../src/storage/tables.js';
import { contextOf, crypto, DAY, HOUR, keptStore, MINUTE, START } from './world.js';

async function newDevice() {
  const clock = settableClock(START);
  const identity = crypto.secp256k1.generateKeyPair();
  const device = await openMessengerDevice({ identity, store: keptStore().store, crypto, clock });
  const context = contextOf({ clock });
  return {
    device,
    clock,
    /** The stored prekeys, oldest first. */
    preKeys: () =>
      device.read(async (tx) => {
        const found = [];
        for await (const { value } of tx.list(preKeyTable)) found.push(value);
        return found.toSorted((a, b) => a.version - b.version);
      }),
    rotate: () => device.transaction((tx) => device.rotatePreKeyIfDue(tx)),
    renew: () => device.transaction((tx) => device.renewPreKey(tx)),
    until: () => device.read((tx) => device.timeUntilRotation(tx)),
    expire: (time: number) => device.transaction((tx) => deleteExpiredPreKeys(tx, context, time)),
    find: (id: Uint8Array) => device.read(async (tx) => (await findPreKey(tx, context, id))?.pair),
  };
}

describe('a signed prekey', () => {
  it('is rotated once it is older than a day, and until then says when that is', async () => {
    const { clock, rotate, until, preKeys } = await newDevice();
    expect(await until()).toBe(DAY + 1);
    clock.set(START + DAY);
    expect([await until(), await rotate()]).toEqual([1, false]);
    clock.set(START + DAY + 1);
    expect([await until(), await rotate()]).toEqual([0, true]);
    expect(await preKeys()).toMatchObject([
      { version: 1, createdAt: BigInt(START), retiredAt: BigInt(START + DAY + 1) },
      { version: 2, createdAt: BigInt(START + DAY + 1), retiredAt: 0n },
    ]);
    expect([await until(), await rotate()]).toEqual([DAY + 1, false]);
    clock.set(START + 3 * DAY);
    expect(await until()).toBe(0);
  });

  it('is rotated when our clock is far before its beginning, and not when it is a little', async () => {
    const { clock, until, rotate } = await newDevice();
    clock.set(START - 10 * MINUTE);
    expect([await until(), await rotate()]).toEqual([DAY + 1, false]);
    clock.set(START - 10 * MINUTE - 1);
    expect([await until(), await rotate()]).toEqual([0, true]);
  });

  it('is renewed before its time when it is older than an hour, which is published', async () => {
    const { device, clock, renew, preKeys } = await newDevice();
    let published = 0;
    device.onPreKeyRotated(() => published++);
    clock.set(START + HOUR);
    expect([await renew(), published]).toEqual([false, 0]);
    clock.set(START + HOUR + 1);
    expect([await renew(), published]).toEqual([true, 1]);
    expect([await renew(), published]).toEqual([false, 1]);
    expect((await preKeys()).map(({ version }) => version)).toEqual([1, 2]);
    clock.set(START);
    expect([await renew(), published]).toEqual([true, 2]);
  });

  it('that is retired opens messages for 30 days, and is deleted after them', async () => {
    const { clock, rotate, preKeys, expire, find } = await newDevice();
    const [first] = await preKeys();
    clock.set(START + 2 * DAY);
    await rotate();
    const retired = START + 2 * DAY;
    const keyPair = { publicKey: first?.publicKey, privateKey: first?.privateKey };
    clock.set(retired + 30 * DAY);
    expect(await find(first!.publicKey)).toMatchObject(keyPair);
    await expire(retired + 30 * DAY);
    expect(await preKeys()).toHaveLength(2);
    clock.set(retired + 30 * DAY + 1);
    expect(await find(first!.publicKey)).toBeUndefined();
    await expire(retired + 30 * DAY + 1);
    const left = await preKeys();
    expect(left.map(({ version }) => version)).toEqual([2]);
    // The one in use opens messages however old it is.
    await expire(retired + 400 * DAY);
    clock.set(retired + 400 * DAY);
    expect(await find(left[0]!.publicKey)).toMatchObject({ publicKey: left[0]?.publicKey });
  });

  it('that is rotated takes those with it whose grace is over, once time is certain', async () => {
    const { clock, rotate, preKeys } = await newDevice();
    for (const day of [2, 4, 33, 35]) {
      clock.set(START + day * DAY);
      await rotate();
    }
    expect((await preKeys()).map(({ version }) => version)).toEqual([2, 3, 4, 5]);
  });

  it('that was retired by a clock that was ahead has its grace from now on', async () => {
    const { clock, rotate, preKeys, expire } = await newDevice();
    clock.set(START + 2 * DAY);
    await rotate();
    clock.set(START + 2 * DAY - 10 * MINUTE);
    await expire(START);
    expect((await preKeys())[0]?.retiredAt).toBe(BigInt(START + 2 * DAY));
    clock.set(START + DAY);
    await expire(START);
    expect((await preKeys())[0]?.retiredAt).toBe(BigInt(START + DAY));
  });

  it('is found by its own public key only', async () => {
    const { device, find, preKeys } = await newDevice();
    const [preKey] = await preKeys();
    expect(await find(crypto.secp256k1.generateKeyPair().publicKey)).toBeUndefined();
    const other = crypto.secp256k1.generateKeyPair().publicKey;
    await device.transaction(async (tx) => tx.put(preKeyTable, preKey!, encodeHex(other)));
    expect(await find(other)).toBeUndefined();
  });

  it('of a restored store is replaced, under a new epoch', async () => {
    const identity = crypto.secp256k1.generateKeyPair();
    const clock = settableClock(START);
    const { view } = keptStore();
    const open = (options = {}) =>
      openMessengerDevice({ identity, store: view(), crypto, clock, ...options });
    const versionOf = async (device: Awaited<ReturnType<typeof open>>) => {
      const { version } = await device.read((tx) => device.currentPreKey(tx));
      await device.close();
      return version;
    };
    expect(await versionOf(await open())).toBe(1);
    clock.advance(5);
    expect(await versionOf(await open({ restored: true }))).toBe(2);
    expect(await versionOf(await open())).toBe(2);
    const rolledBack = Object.assign(view(), { continuity: 'rolled-back' as const });
    expect(await versionOf(await open({ store: rolledBack }))).toBe(3);
    expect(await versionOf(await open({ store: rolledBack, restored: false }))).toBe(3);
    const device = await open();
    const retired = await device.read(async (tx) => {
      const found = [];
      for await (const { value } of tx.list(preKeyTable)) found.push([value.version, value.retiredAt]);
      return found.toSorted();
    });
    expect(retired).toEqual([
      [1, BigInt(START + 5)],
      [2, BigInt(START + 5)],
      [3, 0n],
    ]);
  });
});
