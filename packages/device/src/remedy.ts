import { compareBytes, type KeyPair, NO_INSTALLATION, type PublicKey } from '@sotto/core';
import type { DirectMessage, ProtocolMessage } from '@sotto/protocol-codec';
import type { DeviceContext } from './context.js';
import type { ReceivedMessage } from './messages.js';
import { timeSince } from './own-clock.js';
import { findDevice, getPeer } from './peers.js';
import { ownDeviceRecord } from './pre-keys.js';
import type { PeerDevice, SessionSummary } from './storage/records.js';
import type { ReadTransaction } from './storage/transaction.js';
import { isHybrid, loadSession } from './suites/session.js';

/** What to do when a message of an authenticated sender can't be read. */
export interface Remedy {
  /** Send the sender our bundle, in an empty message outside of sessions. */
  readonly answer: boolean;
  /** Replace our signed prekey first: a session made with it is lost, which shows the sender that it is. */
  readonly renewPreKey: boolean;
  /** Report it to the user: the message may have been meant for this device. */
  readonly report: boolean;
}

const NONE: Remedy = { answer: false, renewPreKey: false, report: false };
const REPORT: Remedy = { ...NONE, report: true };

/**
 * What to do about a message that this device can't read. An envelope is signed by its sender, but the signature
 * covers neither recipient nor topic: a third party may have sealed for us a message to them, or one that we received long
 * ago. A sealed message is for us, but that may be all that is known of it. So an answer is due only when the sender may really be unable to reach us:
 *
 * - no entry of the message is for us, and it was sealed recently, or its bundle, which deployed peers put into every message, signed;
 * - an entry could be for us: one outside of sessions that can't be decrypted is for someone else;
 * - no session with the device that sent it works.
 */
export async function remedyFor(
  tx: ReadTransaction,
  context: DeviceContext,
  from: PublicKey,
  { message, signedAt }: ReceivedMessage,
): Promise<Remedy> {
  const { identity, installationId, limits } = context;
  if (compareBytes(from, identity.publicKey) === 0) return NONE;
  const { directMessages } = message;
  const entry = directMessages.get(installationId);
  if (entry === undefined ? directMessages.has(NO_INSTALLATION) : !isInSession(entry)) return NONE;
  const { createdAt, epoch } = await ownDeviceRecord(tx);
  if (signedAt !== undefined) {
    const age = timeSince(signedAt, context);
    if (age === undefined || age > limits.answerMaxAgeMs) return NONE;
  }
  const others = entry === undefined ? await countOthersOfUs(tx, identity, directMessages) : 0;
  if (others >= limits.maxActiveDevices) return REPORT;

  // A message from before this device existed can't be for it, but its sender should learn of the device. Where another one has it, the
  // user misses nothing, so there need not be room for a clock that is behind: a device is often linked soon after what it was told.
  const margin = others > 0 ? 0 : limits.maxClockAheadMs;
  const isOlder = signedAt !== undefined && signedAt + margin < Number(createdAt);
  const report = !isOlder || timeSince(Number(createdAt), context) === undefined;
  const device = findDevice(await getPeer(tx, from), message.installationId);
  if (device === undefined) return { answer: true, renewPreKey: false, report };
  const { works, lost } = await lookThrough(tx, context, device, epoch, entry && mayBeOf(entry));
  // While a session works, an entry for someone else is just that.
  if (works) return entry === undefined ? NONE : { ...REPORT, report };
  return { answer: true, renewPreKey: lost, report };
}

function isInSession({ drHeader, hybridHeader }: DirectMessage): boolean {
  return drHeader !== undefined || hybridHeader !== undefined;
}

/** To how many of our other devices that we know of a message goes. */
async function countOthersOfUs(
  tx: ReadTransaction,
  identity: KeyPair,
  directMessages: ProtocolMessage['directMessages'],
): Promise<number> {
  const own = await getPeer(tx, identity.publicKey);
  return [...directMessages.keys()].filter((id) => findDevice(own, id) !== undefined).length;
}

/** Which sessions an entry may be of: those made with the prekey that it names, or those of the hybrid suite when it names none. */
function mayBeOf({ drHeader, hybridHeader }: DirectMessage): (session: SessionSummary) => boolean {
  const preKeyId = drHeader?.id ?? hybridHeader?.handshake?.id;
  if (preKeyId === undefined) return isHybrid;
  return ({ signedPreKey }) => compareBytes(signedPreKey, preKeyId) === 0;
}

/** Whether a session with a device works, and whether one is lost that an entry may be of. */
async function lookThrough(
  tx: ReadTransaction,
  context: DeviceContext,
  device: PeerDevice,
  epoch: number,
  mayBeIts: ((session: SessionSummary) => boolean) | undefined,
): Promise<{ readonly works: boolean; readonly lost: boolean }> {
  let lost = false;
  for (const summary of device.sessions) {
    if (summary.lost || summary.epoch !== epoch) continue;
    if ((await loadSession(tx, context, summary)) !== undefined) return { works: true, lost: false };
    if (mayBeIts?.(summary)) lost = true;
  }
  return { works: false, lost };
}
