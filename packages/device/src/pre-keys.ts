import { compareBytes, concatBytes, encodeHex, KeyPair, type PrivateKey, type PublicKey } from '@sotto/core';
import type { HybridPreKey, SignedPreKey } from '@sotto/protocol-codec';
import { deviceDigest, SEALED_SENDER } from '@sotto/x3dh';
import type { DeviceContext } from './context.js';
import { certainTime, storedNow, timeSince } from './own-clock.js';
import type { DeviceRecord, HybridPreKeyPairs, PreKeyRecord } from './storage/records.js';
import { deviceTable, preKeyTable } from './storage/tables.js';
import type { ReadTransaction, Transaction } from './storage/transaction.js';

/** Protocol version in our bundles: 1, negotiated topics. */
const PROTOCOL_VERSION = 1;

/** The record of this device; it exists since the store was first opened. */
export async function ownDeviceRecord(tx: ReadTransaction): Promise<DeviceRecord> {
  return (await tx.get(deviceTable)) as DeviceRecord;
}

/** Our current signed prekey, however old. */
export async function currentPreKey(tx: ReadTransaction): Promise<PreKeyRecord> {
  const { currentPreKey } = await ownDeviceRecord(tx);
  return (await tx.get(preKeyTable, encodeHex(currentPreKey))) as PreKeyRecord;
}

/** What making a prekey needs. */
type OwnOffer = Pick<DeviceContext, 'crypto' | 'clock' | 'hybrid' | 'offersSealed'>;

/** The offer changes only with its prekeys: handshakes name both by one digest. */
function withSealedOffer(preKeys: HybridPreKeyPairs, offersSealed: boolean): HybridPreKeyPairs {
  return offersSealed
    ? { ...preKeys, suites: concatBytes(preKeys.suites, Uint8Array.of(SEALED_SENDER)) }
    : preKeys;
}

/** Makes the next signed prekey the current one. */
export function putNewPreKey(
  tx: Transaction,
  { crypto, clock, hybrid, offersSealed }: OwnOffer,
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
    hybrid: hybrid && withSealedOffer(hybrid.generatePreKeys(), offersSealed),
  };
  tx.put(preKeyTable, preKey, encodeHex(publicKey));
  tx.put(deviceTable, { ...device, currentPreKey: publicKey });
}

/**
 * Milliseconds until our signed prekey is due to be rotated; 0 when it is. It is due when its lifetime is over, its
 * creation time is in the future, or it doesn't go with what this device offers now: the hybrid suite, sealed messages.
 */
export async function timeUntilRotation(
  tx: ReadTransaction,
  context: Pick<DeviceContext, 'clock' | 'limits' | 'hybrid' | 'offersSealed'>,
): Promise<number> {
  const { createdAt, hybrid } = await currentPreKey(tx);
  if (context.hybrid !== undefined) {
    const isOffered = hybrid?.suites.includes(SEALED_SENDER) ?? false;
    if (hybrid === undefined || isOffered !== context.offersSealed) return 0;
  }
  const age = timeSince(Number(createdAt), context);
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
export async function renewEpoch(tx: Transaction, context: OwnOffer, device: DeviceRecord): Promise<void> {
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

/** One of our prekeys. */
export interface OwnPreKey {
  readonly record: PreKeyRecord;
  readonly pair: KeyPair;
}

/** The prekey that a message names; `undefined` when it isn't ours, or its grace period is over. */
export async function findPreKey(
  tx: ReadTransaction,
  context: DeviceContext,
  id: Uint8Array,
): Promise<OwnPreKey | undefined> {
  const record = await tx.get(preKeyTable, encodeHex(id));
  if (record === undefined || compareBytes(record.publicKey, id) !== 0) return undefined;
  const { clock, limits } = context;
  if (record.retiredAt !== 0n && clock.now() - Number(record.retiredAt) > limits.preKeyGraceMs)
    return undefined;
  return { record, pair: new KeyPair(record.publicKey as PublicKey, record.privateKey as PrivateKey) };
}

/** What our bundle says of this device with one of its prekeys. */
export function ownEntry(
  record: PreKeyRecord,
  context: Pick<DeviceContext, 'crypto' | 'hybrid'>,
): SignedPreKey {
  const { publicKey, version, hybrid } = record;
  return {
    signedPreKey: publicKey,
    version,
    protocolVersion: PROTOCOL_VERSION,
    ...(context.hybrid && hybrid && { hybrid: ownOffer(context.crypto, hybrid) }),
  };
}

/** The digest of that, 32 bytes, which a handshake names. */
export function ownDigest(context: DeviceContext, record: PreKeyRecord): Uint8Array {
  return deviceDigest(context.crypto, context.installationId, ownEntry(record, context));
}

/** Hashes of our ML-KEM prekeys, which every message names. */
const hashes = new WeakMap<Uint8Array, Uint8Array>();

function hashOf(crypto: DeviceContext['crypto'], kemPublicKey: Uint8Array): Uint8Array {
  const hash = hashes.get(kemPublicKey) ?? crypto.sha256(kemPublicKey);
  hashes.set(kemPublicKey, hash);
  return hash;
}

function ownOffer(
  crypto: DeviceContext['crypto'],
  { suites, curve25519PublicKey, kemPublicKey }: HybridPreKeyPairs,
): HybridPreKey {
  return {
    suites,
    curve25519PreKey: curve25519PublicKey,
    kemPreKeyHash: hashOf(crypto, kemPublicKey),
    kemPreKey: kemPublicKey,
  };
}
