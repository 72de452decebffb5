import { compareBytes, NO_INSTALLATION, type PublicKey } from '@sotto/core';
import type { ProtocolMessage } from '@sotto/protocol-codec';
import type { DeviceContext } from './context.js';
import { signedTime } from './messages.js';
import { timeSince } from './own-clock.js';
import { findDevice, getPeer } from './peers.js';
import { ownDeviceRecord } from './pre-keys.js';
import { loadSession } from './sessions.js';
import type { PeerDevice } from './storage/records.js';
import type { ReadTransaction } from './storage/transaction.js';

/** What is due when a message of an authentic sender can't be read here. */
export interface Remedy {
  /** Send the sender our bundle, in an empty message outside of sessions. */
  readonly answer: boolean;
  /** Replace our signed prekey first: a session is lost that was made with it, and the sender has to see that. */
  readonly renewPreKey: boolean;
  /** Report it to the user: the message may have been meant for this device. */
  readonly report: boolean;
}

const NONE: Remedy = { answer: false, renewPreKey: false, report: false };
const REPORT: Remedy = { ...NONE, report: true };

/**
 * What to do about a message that this device can't read. An envelope is signed by its sender, but neither its recipient nor
 * its topic is: someone else may have sealed for us what was meant for them, or what we got long ago. So an answer is due
 * only when it could be that the sender can't reach us:
 *
 * - the message isn't ours, and its bundle, which deployed peers put into every message, was signed lately;
 * - it has an entry that we could have been meant by: an entry outside of sessions that doesn't open is for someone else;
 * - no session with the device that sent it works.
 */
export async function remedyFor(
  tx: ReadTransaction,
  context: DeviceContext,
  from: PublicKey,
  message: ProtocolMessage,
): Promise<Remedy> {
  const { identity, installationId, limits } = context;
  if (compareBytes(from, identity.publicKey) === 0) return NONE;
  const { directMessages } = message;
  const entry = directMessages.get(installationId);
  if (entry === undefined ? directMessages.has(NO_INSTALLATION) : entry.drHeader === undefined) return NONE;
  const signedAt = signedTime(from, message);
  const { createdAt, epoch } = await ownDeviceRecord(tx);
  if (signedAt !== undefined) {
    const age = timeSince(signedAt, context);
    if (age === undefined || age > limits.answerMaxAgeMs) return NONE;
  }
  if (entry === undefined && (await goesToEnoughOfUs(tx, context, directMessages))) return REPORT;

  // What was written before there was this device can't be for it, but its sender should know of it.
  const isOlder = signedAt !== undefined && signedAt + limits.maxClockAheadMs < Number(createdAt);
  const report = !isOlder || timeSince(Number(createdAt), context) === undefined;
  const device = findDevice(await getPeer(tx, from), message.installationId);
  if (device === undefined) return { answer: true, renewPreKey: false, report };
  const { works, lost } = await lookThrough(tx, device, epoch, entry?.drHeader?.id);
  // In a session that works, what is addressed to someone else is for someone else.
  if (works) return entry === undefined ? NONE : { ...REPORT, report };
  return { answer: true, renewPreKey: lost, report };
}

/** Whether a message goes to as many of our other devices as messages go to at most. */
async function goesToEnoughOfUs(
  tx: ReadTransaction,
  { identity, limits }: DeviceContext,
  directMessages: ProtocolMessage['directMessages'],
): Promise<boolean> {
  const own = await getPeer(tx, identity.publicKey);
  const addressed = [...directMessages.keys()].filter((id) => findDevice(own, id) !== undefined);
  return addressed.length >= limits.maxActiveDevices;
}

/** Whether a session with a device works, and whether one is lost that was made with the prekey named. */
async function lookThrough(
  tx: ReadTransaction,
  device: PeerDevice,
  epoch: number,
  preKeyId: Uint8Array | undefined,
): Promise<{ readonly works: boolean; readonly lost: boolean }> {
  let lost = false;
  for (const summary of device.sessions) {
    if (summary.lost || summary.epoch !== epoch) continue;
    if ((await loadSession(tx, summary)) !== undefined) return { works: true, lost: false };
    if (preKeyId !== undefined && compareBytes(summary.signedPreKey, preKeyId) === 0) lost = true;
  }
  return { works: false, lost };
}
