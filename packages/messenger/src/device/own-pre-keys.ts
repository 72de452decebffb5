import { compareBytes, encodeHex, KeyPair, type PrivateKey, type PublicKey } from '@sotto/core';
import type { DeviceRecord, PreKeyRecord } from '../generated/sotto/messenger/v1/storage.js';
import type { UnitOfWork } from '../storage/ledger.js';
import { deviceTable, preKeyTable } from '../storage/tables.js';
import type { DeviceContext } from './context.js';
import { certainTime, storedNow, timeSince } from './own-clock.js';

/** The record of this device; there since it was opened first. */
export async function ownDeviceRecord(work: UnitOfWork): Promise<DeviceRecord> {
  return (await work.get(deviceTable)) as DeviceRecord;
}

/** Makes the next signed prekey the current one, and gives it. */
export function putNewPreKey(
  work: UnitOfWork,
  { crypto, clock }: Pick<DeviceContext, 'crypto' | 'clock'>,
  device: DeviceRecord,
  previousVersion: number,
): PreKeyRecord {
  const { publicKey, privateKey } = crypto.secp256k1.generateKeyPair();
  const preKey: PreKeyRecord = {
    publicKey,
    privateKey,
    version: previousVersion + 1,
    createdAt: storedNow(clock),
    retiredAt: 0n,
  };
  work.put(preKeyTable, preKey, encodeHex(publicKey));
  work.put(deviceTable, { ...device, currentPreKey: publicKey });
  return preKey;
}

/**
 * Our current signed prekey. Replaced first when it is over its lifetime, or was made at a time that has not come yet, in
 * the same step; prekeys whose grace is over are deleted then. Wire profile, section 2.
 */
export async function currentPreKey(work: UnitOfWork, context: DeviceContext): Promise<PreKeyRecord> {
  return replaceIfOlder(work, context, context.limits.preKeyLifetimeMs);
}

/** Replaces our signed prekey when it is older than a time in milliseconds. */
export async function replaceIfOlder(
  work: UnitOfWork,
  context: DeviceContext,
  age: number,
): Promise<PreKeyRecord> {
  const device = await ownDeviceRecord(work);
  const current = (await work.get(preKeyTable, encodeHex(device.currentPreKey))) as PreKeyRecord;
  const elapsed = timeSince(Number(current.createdAt), context);
  if (elapsed !== undefined && elapsed <= age) return current;
  const retiredAt = storedNow(context.clock);
  work.put(preKeyTable, { ...current, retiredAt }, encodeHex(current.publicKey));
  const time = await certainTime(work, context);
  if (time !== undefined) await deleteExpiredPreKeys(work, context, time);
  return putNewPreKey(work, context, device, current.version);
}

/**
 * Begins anew after an old copy of the store was put back: sessions of before are not sent on any more, since their
 * keys may have been used, and the prekey is replaced.
 */
export async function renewEpoch(
  work: UnitOfWork,
  context: Pick<DeviceContext, 'crypto' | 'clock'>,
  device: DeviceRecord,
): Promise<void> {
  const name = encodeHex(device.currentPreKey);
  const current = (await work.get(preKeyTable, name)) as PreKeyRecord;
  work.put(preKeyTable, { ...current, retiredAt: storedNow(context.clock) }, name);
  putNewPreKey(work, context, { ...device, epoch: device.epoch + 1 }, current.version);
}

/**
 * Deletes the private keys that no message on its way can need any more.
 * @param time milliseconds since the epoch, a time that has certainly come
 */
export async function deleteExpiredPreKeys(
  work: UnitOfWork,
  context: DeviceContext,
  time: number,
): Promise<void> {
  const now = context.clock.now();
  for await (const { value } of work.list(preKeyTable, [], () => {})) {
    if (value.retiredAt === 0n) continue;
    const name = encodeHex(value.publicKey);
    if (time - Number(value.retiredAt) > context.limits.preKeyGraceMs) work.delete(preKeyTable, name);
    // Retired by a clock that was ahead: its grace begins now.
    else if (timeSince(Number(value.retiredAt), context) === undefined) {
      work.put(preKeyTable, { ...value, retiredAt: BigInt(Math.trunc(now)) }, name);
    }
  }
}

/** The pair that an X3DH header names; none when we never had it, or its grace is over. */
export async function findPreKeyPair(
  work: UnitOfWork,
  context: DeviceContext,
  id: Uint8Array,
): Promise<KeyPair | undefined> {
  const record = await work.get(preKeyTable, encodeHex(id));
  if (record === undefined || compareBytes(record.publicKey, id) !== 0) return undefined;
  const { clock, limits } = context;
  if (record.retiredAt !== 0n && clock.now() - Number(record.retiredAt) > limits.preKeyGraceMs)
    return undefined;
  return new KeyPair(record.publicKey as PublicKey, record.privateKey as PrivateKey);
}
