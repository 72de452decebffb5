import { compareBytes, encodeHex, KeyPair, type PrivateKey, type PublicKey } from '@sotto/core';
import type { DeviceContext } from './context.js';
import { certainTime, storedNow, timeSince } from './own-clock.js';
import type { DeviceRecord, PreKeyRecord } from './storage/records.js';
import { deviceTable, preKeyTable } from './storage/tables.js';
import type { ReadTransaction, Transaction } from './storage/transaction.js';

/** The record of this device; it exists since the store was first opened. */
export async function ownDeviceRecord(tx: ReadTransaction): Promise<DeviceRecord> {
  return (await tx.get(deviceTable)) as DeviceRecord;
}

/** Our current signed prekey, however old. */
export async function currentPreKey(tx: ReadTransaction): Promise<PreKeyRecord> {
  const { currentPreKey } = await ownDeviceRecord(tx);
  return (await tx.get(preKeyTable, encodeHex(currentPreKey))) as PreKeyRecord;
}

/** Makes the next signed prekey the current one. */
export function putNewPreKey(
  tx: Transaction,
  { crypto, clock }: Pick<DeviceContext, 'crypto' | 'clock'>,
  device: DeviceRecord,
  previousVersion: number,
): void {
  const { publicKey, privateKey } = crypto.secp256k1.generateKeyPair();
  const preKey: PreKeyRecord = {
    publicKey,
    privateKey,
    version: previousVersion + 1,
    createdAt: storedNow(clock),
    retiredAt: 0n,
  };
  tx.put(preKeyTable, preKey, encodeHex(publicKey));
  tx.put(deviceTable, { ...device, currentPreKey: publicKey });
}

/**
 * Milliseconds until our signed prekey is due to be rotated; 0 when it is. It is due when its lifetime is over, or its
 * creation time is in the future.
 */
export async function timeUntilRotation(
  tx: ReadTransaction,
  context: Pick<DeviceContext, 'clock' | 'limits'>,
): Promise<number> {
  const age = timeSince(Number((await currentPreKey(tx)).createdAt), context);
  // Still valid exactly at the end of its lifetime.
  return age === undefined ? 0 : Math.max(0, context.limits.preKeyLifetimeMs - age + 1);
}

/**
 * Rotates our signed prekey when it is due ({@link timeUntilRotation}). Every transaction that sends or publishes our bundle
 * calls it first; reads never do. Wire profile, section 2.
 * @returns whether it was rotated
 */
export async function rotatePreKeyIfDue(tx: Transaction, context: DeviceContext): Promise<boolean> {
  if ((await timeUntilRotation(tx, context)) > 0) return false;
  await rotatePreKey(tx, context);
  return true;
}

/**
 * Rotates our signed prekey before its time, unless it is newer than `renewPreKeyAfterMs`.
 * @returns whether it was rotated
 */
export async function renewPreKey(tx: Transaction, context: DeviceContext): Promise<boolean> {
  const age = timeSince(Number((await currentPreKey(tx)).createdAt), context);
  if (age !== undefined && age <= context.limits.renewPreKeyAfterMs) return false;
  await rotatePreKey(tx, context);
  return true;
}

/** Replaces the current signed prekey, and deletes those whose grace period is over. */
async function rotatePreKey(tx: Transaction, context: DeviceContext): Promise<void> {
  const current = await currentPreKey(tx);
  const retiredAt = storedNow(context.clock);
  tx.put(preKeyTable, { ...current, retiredAt }, encodeHex(current.publicKey));
  const time = await certainTime(tx, context);
  if (time !== undefined) await deleteExpiredPreKeys(tx, context, time);
  putNewPreKey(tx, context, await ownDeviceRecord(tx), current.version);
}

/**
 * Starts over after an old copy of the store was restored: nothing more is sent in earlier sessions, whose keys may have
 * been used, and the prekey is replaced.
 */
export async function renewEpoch(
  tx: Transaction,
  context: Pick<DeviceContext, 'crypto' | 'clock'>,
  device: DeviceRecord,
): Promise<void> {
  const current = await currentPreKey(tx);
  const retiredAt = storedNow(context.clock);
  tx.put(preKeyTable, { ...current, retiredAt }, encodeHex(current.publicKey));
  putNewPreKey(tx, context, { ...device, epoch: device.epoch + 1 }, current.version);
}

/**
 * Deletes the private prekeys that no message can need any longer.
 * @param time milliseconds since the epoch, trusted
 */
export async function deleteExpiredPreKeys(
  tx: Transaction,
  context: DeviceContext,
  time: number,
): Promise<void> {
  for await (const { value } of tx.list(preKeyTable, [], () => {})) {
    if (value.retiredAt === 0n) continue;
    const name = encodeHex(value.publicKey);
    if (time - Number(value.retiredAt) > context.limits.preKeyGraceMs) tx.delete(preKeyTable, name);
    // Retired by a clock that was ahead: its grace period begins now.
    else if (timeSince(Number(value.retiredAt), context) === undefined) {
      tx.put(preKeyTable, { ...value, retiredAt: storedNow(context.clock) }, name);
    }
  }
}

/** The prekey pair that an X3DH header names; `undefined` when it isn't ours, or its grace period is over. */
export async function findPreKeyPair(
  tx: ReadTransaction,
  context: DeviceContext,
  id: Uint8Array,
): Promise<KeyPair | undefined> {
  const record = await tx.get(preKeyTable, encodeHex(id));
  if (record === undefined || compareBytes(record.publicKey, id) !== 0) return undefined;
  const { clock, limits } = context;
  if (record.retiredAt !== 0n && clock.now() - Number(record.retiredAt) > limits.preKeyGraceMs)
    return undefined;
  return new KeyPair(record.publicKey as PublicKey, record.privateKey as PrivateKey);
}
