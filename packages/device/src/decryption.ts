import {
  compareBytes,
  copyBytes,
  encodeHex,
  isSottoError,
  NO_INSTALLATION,
  type PublicKey,
  parseInstallationId,
  SottoError,
} from '@sotto/core';
import { type Bundle, type DirectMessage, isBareMessage, type ProtocolMessage } from '@sotto/protocol-codec';
import { openDhFallback } from '@sotto/x3dh';
import type { DeviceContext } from './context.js';
import { messageIdFor, newestBundle, publicMessageIdFor, readMessage } from './messages.js';
import {
  type BundleCache,
  type BundleNews,
  findDevice,
  getPeer,
  NO_NEWS,
  newPeerDevice,
  putPeer,
  withDevice,
  withinBounds,
} from './peers.js';
import { currentPreKey, ownDeviceRecord } from './pre-keys.js';
import { type Remedy, remedyFor } from './remedy.js';
import { malformedSeal } from './sealed/sealed-message.js';
import { decodeSessionContent } from './sealed/session-content.js';
import { refuseRepeated } from './seen-messages.js';
import { addSession, withoutReplaced } from './sessions.js';
import type { PeerDevice, PeerRecord, Protection, SessionSummary } from './storage/records.js';
import type { ReadTransaction, Transaction } from './storage/transaction.js';
import { getStrangers, isLetIn, noteSeen, noteWrote } from './strangers.js';
import { deployedMessage } from './suites/deployed.js';
import { hybridMessage } from './suites/hybrid.js';
import type { OpenedMessage } from './suites/incoming.js';
import { loadSession } from './suites/session.js';

/** What every decrypted message has. */
export interface DecryptOutcomeBase {
  /** KECCAK-256 of sender, ProtocolMessage and, on a public channel, its name: 32 bytes. */
  readonly messageId: Uint8Array;
  /** Installation id that the sender names; empty when it names none. */
  readonly senderInstallation: string;
  /** What the sender's bundle changed. */
  readonly news: BundleNews;
  /** Why the sender's bundle was refused; `undefined` when it wasn't. */
  readonly bundleError: SottoError | undefined;
  /** Whether it was sealed: nothing outside of the session named its sender. */
  readonly sealed: boolean;
}

/** The result of decrypting a message. */
export type DecryptOutcome = DecryptOutcomeBase &
  (
    | {
        readonly kind: 'message';
        readonly payload: Uint8Array;
        readonly protection: Protection;
        /** Whether it began a session. */
        readonly sessionBegun: boolean;
        /** Whether the sender reported that it lost its sessions with us. */
        readonly sessionsLost: boolean;
      }
    /** A message without payload: only the sender's bundle. */
    | { readonly kind: 'bundle' }
    /** A message that the transport authenticated, but that this device can't read. */
    | {
        readonly kind: 'unreadable';
        readonly reason: 'DEVICE_NOT_ADDRESSED' | 'SESSION_NOT_FOUND';
        /** Whether it comes from a device of our own identity. */
        readonly own: boolean;
        readonly remedy: Remedy;
      }
  );

/** How a message was received. */
export interface DecryptOptions {
  /**
   * The channel that it was received on. What doesn't belong there is then ignored: a direct message on a public channel,
   * where anyone may have put it, or a public message on a private channel. Default: unknown, and everything is read.
   */
  readonly channel?:
    | { readonly kind: 'public'; readonly name: string }
    | { readonly kind: 'private' }
    | undefined;
  /** Milliseconds since the epoch, as the sender or the transport claims. */
  readonly sentAt?: number | undefined;
}

/**
 * Decrypts a message; when it throws, the transaction is abandoned and nothing has changed. Processes bundles first, then
 * the entry for this device or `none`. Wire profile, section 5.
 *
 * @throws DUPLICATE_MESSAGE, MALFORMED_MESSAGE, BUNDLE_SIGNATURE_INVALID, AUTHENTICATION_FAILED and what the
 *   ratchet throws
 */
export async function decryptMessage(
  tx: Transaction,
  context: DeviceContext,
  bundleCache: BundleCache,
  from: PublicKey,
  bytes: Uint8Array,
  { channel, sentAt }: DecryptOptions = {},
): Promise<DecryptOutcome> {
  const messageId =
    channel?.kind === 'public'
      ? publicMessageIdFor(context.crypto, from, bytes, channel.name)
      : messageIdFor(context.crypto, from, bytes);
  if (channel?.kind !== 'private' && isBareMessage(bytes)) {
    await refuseRepeated(tx, context, { messageId, signedAt: undefined, sentAt });
    return bareMessage(messageId, bytes);
  }
  const received = readMessage(context, from, bytes);
  const { message, signedAt, sealed } = received;
  if (sealed) {
    if (channel?.kind === 'public') throw malformedSeal('on a public channel');
    checkSealedContent(message);
  }
  const { installationId: senderInstallation } = message;
  const base = { messageId, senderInstallation, sealed };
  const bundle = newestBundle(from, message);
  const common = {
    ...base,
    ...(await processBundle(tx, context, bundleCache, from, bundle, senderInstallation)),
  };
  const guard = () => refuseRepeated(tx, context, { messageId, signedAt, sentAt });

  if (message.publicMessage !== undefined) {
    if (channel?.kind === 'private') return { ...common, kind: 'bundle' };
    await guard();
    return {
      ...common,
      kind: 'message',
      payload: message.publicMessage,
      protection: 'public',
      sessionBegun: false,
      sessionsLost: false,
    };
  }
  if (message.directMessages.size === 0 || channel?.kind === 'public') return { ...common, kind: 'bundle' };

  const unreadable = async (reason: 'DEVICE_NOT_ADDRESSED' | 'SESSION_NOT_FOUND') => {
    const remedy = await remedyFor(tx, context, from, received);
    const own = compareBytes(from, context.identity.publicKey) === 0;
    return { ...common, kind: 'unreadable', reason, own, remedy } as const;
  };
  const entry =
    message.directMessages.get(context.installationId) ?? message.directMessages.get(NO_INSTALLATION);
  if (entry === undefined) return unreadable('DEVICE_NOT_ADDRESSED');

  if (entry.dhHeader !== undefined && entry.drHeader === undefined && entry.hybridHeader === undefined) {
    const payload = openDhFallback(context.crypto, context.identity, {
      ephemeralKey: entry.dhHeader.key,
      payload: entry.payload,
    });
    const empty = payload.length === 0;
    const sessionsLost = empty && (await noteLostSessions(tx, from, senderInstallation, message));
    // A message without effect isn't remembered: anyone can send any number of them.
    if (!empty || sessionsLost) await guard();
    if (!empty) {
      await noteReplied(tx, from, senderInstallation);
      await noteWrote(tx, context, from);
    }
    return { ...common, kind: 'message', payload, protection: 'dh', sessionBegun: false, sessionsLost };
  }

  /** Of a sealed message, the bundle is inside of the session: it counts once the session has authenticated it. */
  const read: ReadContent = async (plaintext) => {
    if (!sealed) return { payload: plaintext, bundle, learnt: common };
    const content = decodeSessionContent(from, plaintext);
    const learnt = await processBundle(tx, context, bundleCache, from, content.bundle, senderInstallation);
    return { ...content, learnt };
  };
  const opened = await openInSession(tx, context, { from, senderInstallation, messageId }, entry, read);
  if (opened === undefined) return unreadable('SESSION_NOT_FOUND');
  if (opened.sessionBegun) await guard();
  const { news, bundleError } = opened.learnt;
  const { payload, protection, sessionBegun } = opened;
  return {
    ...base,
    news,
    bundleError,
    kind: 'message',
    sessionsLost: false,
    payload,
    protection,
    sessionBegun,
  };
}

/** A sealed message is only authenticated by sessions of the hybrid suite: anything beside them has no place in it. */
function checkSealedContent({ bundles, publicMessage, directMessages }: ProtocolMessage): void {
  if (bundles.length > 0) throw malformedSeal('a bundle outside of the session');
  if (publicMessage !== undefined) throw malformedSeal('a public message');
  if (directMessages.size === 0) throw malformedSeal('no message for any device');
  for (const { hybridHeader, drHeader, x3dhHeader, dhHeader } of directMessages.values()) {
    const isHybrid = hybridHeader !== undefined && !drHeader && !x3dhHeader && !dhHeader;
    if (!isHybrid) throw malformedSeal('not in a session of the hybrid suite');
  }
}

/** A public message of a client that doesn't wrap it in a ProtocolMessage: it has no bundle. */
function bareMessage(messageId: Uint8Array, bytes: Uint8Array): DecryptOutcome {
  return {
    kind: 'message',
    messageId,
    senderInstallation: '',
    news: NO_NEWS,
    bundleError: undefined,
    sealed: false,
    payload: copyBytes(bytes),
    protection: 'public',
    sessionBegun: false,
    sessionsLost: false,
  };
}

/** Verifies and applies a bundle of the sender. */
async function processBundle(
  tx: Transaction,
  context: DeviceContext,
  bundleCache: BundleCache,
  from: PublicKey,
  unverified: Bundle | undefined,
  senderInstallation: string,
): Promise<Learnt> {
  if (unverified === undefined) return { news: NO_NEWS, bundleError: undefined };
  const bundle = bundleCache.verify(context, unverified);
  try {
    const news = await bundleCache.apply(tx, context, bundle, senderInstallation);
    if (news.added.length > 0) await noteSeen(tx, context, from);
    return { news, bundleError: undefined };
  } catch (error) {
    // A peer whose clock is a year ahead can still be read in existing sessions.
    if (!isSottoError(error, 'BUNDLE_IMPLAUSIBLE')) throw error;
    return { news: NO_NEWS, bundleError: error };
  }
}

function duplicate(messageId: Uint8Array): SottoError {
  return new SottoError('DUPLICATE_MESSAGE', 'This message was received before.', {
    messageId: encodeHex(messageId),
  });
}

/**
 * An empty message outside of any session reports that its sender could not read us. It counts only with a prekey that
 * the sessions with that device don't know yet: a device that lost a session makes a new one before it reports so. With
 * the known prekey, an attacker may have provoked it, and whoever stole that prekey could read a session begun with it.
 * Retired sessions only receive from then on.
 */
async function noteLostSessions(
  tx: Transaction,
  from: PublicKey,
  installationId: string,
  message: ProtocolMessage,
): Promise<boolean> {
  const peer = await getPeer(tx, from);
  const device = findDevice(peer, installationId);
  const shown = newestBundle(from, message);
  // A bundle older than the known one proves nothing about the present.
  if (device === undefined || shown === undefined || shown.timestamp < device.attestedAt) return false;
  const isRetired = (session: SessionSummary) =>
    !session.lost && compareBytes(session.peerPreKey, device.signedPreKey) !== 0;
  if (!device.sessions.some(isRetired)) return false;
  const sessions = device.sessions.map((session) =>
    isRetired(session) ? { ...session, lost: true } : session,
  );
  putPeer(tx, from, withDevice(peer, { ...device, sessions }));
  return true;
}

/** Notes that a device wrote to us: it knows us, and subscribes to our negotiated topic. Wire profile, section 6. */
async function noteReplied(tx: Transaction, from: PublicKey, installationId: string): Promise<void> {
  const peer = await getPeer(tx, from);
  const device = findDevice(peer, installationId);
  if (device === undefined || device.hasReplied) return;
  putPeer(tx, from, withDevice(peer, { ...device, hasReplied: true }));
}

/** What the sender's bundle brought. */
type Learnt = Pick<DecryptOutcomeBase, 'news' | 'bundleError'>;

/** Takes apart what a session has decrypted. */
type ReadContent = (plaintext: Uint8Array) => Promise<Content>;

interface Content {
  readonly payload: Uint8Array;
  /** The sender's newest that came with it. */
  readonly bundle: Bundle | undefined;
  readonly learnt: Learnt;
}

/** Where a message comes from. */
interface Origin {
  readonly from: PublicKey;
  readonly senderInstallation: string;
  readonly messageId: Uint8Array;
}

/**
 * The sessions of a device with the one last that it has just written in, so that we answer in it: a late message from before it lost
 * its store may have begun one that it doesn't have any more. Unchanged when this message is a late one itself.
 */
function withLatest(
  device: PeerDevice,
  latest: SessionSummary,
  bundle: Bundle | undefined,
): readonly SessionSummary[] {
  const isLast = device.sessions.findLast(({ initiator }) => !initiator) === latest;
  if (latest.initiator || isLast || isLate(device, bundle)) return device.sessions;
  return [...device.sessions.filter((other) => other !== latest), latest];
}

/** Whether a message shows by its bundle that it is older than what is known of the device. */
function isLate({ attestedAt }: PeerDevice, bundle: Bundle | undefined): boolean {
  return bundle !== undefined && bundle.timestamp < attestedAt;
}

/** Tries the sessions that match the headers; `undefined` when there is none. */
async function openInSession(
  tx: Transaction,
  context: DeviceContext,
  { from, senderInstallation, messageId }: Origin,
  entry: DirectMessage,
  read: ReadContent,
): Promise<Opened | undefined> {
  const installationId = parseInstallationId(senderInstallation);
  const remote = { identity: from, installationId };
  const { hybridHeader } = entry;
  const message =
    hybridHeader === undefined
      ? deployedMessage(context, remote, entry)
      : hybridMessage(context, remote, hybridHeader, entry.payload);
  if (message === undefined) return undefined;
  const { protection } = message;
  const isOwn = compareBytes(from, context.identity.publicKey) === 0;
  const known = async () => {
    const peer = await getPeer(tx, from);
    const found = findDevice(peer, installationId) ?? newPeerDevice(installationId, !isOwn);
    const knownVersion = hybridHeader?.knownVersion ?? found.knownVersion;
    const device = knownVersion === found.knownVersion ? found : { ...found, knownVersion };
    return { peer, found, device };
  };

  const before = await known();
  const candidates = message.candidates(before.device);
  let refusal: unknown;
  let fitsNone = false;
  for (const summary of candidates) {
    const session = await loadSession(tx, context, summary);
    if (session === undefined) continue;
    let opened: OpenedMessage | undefined;
    try {
      opened = await message.open(tx, session);
    } catch (error) {
      // Decrypted in this session before, so it belongs to no other session.
      if (isSottoError(error, 'RATCHET_DUPLICATE')) throw duplicate(messageId);
      refusal = error;
      continue;
    }
    fitsNone ||= opened === undefined;
    if (opened === undefined) continue;
    const content = await read(opened.plaintext);
    // What the session has authenticated may have changed what is known.
    const { peer, found, device } = await known();
    const used = device.sessions.find(({ id }) => compareBytes(id, summary.id) === 0);
    const knowsPreKey = used === undefined || compareBytes(used.peerPreKey, device.signedPreKey) === 0;
    const ordered = used === undefined ? device.sessions : withLatest(device, used, content.bundle);
    if (device !== found || !device.hasReplied || !knowsPreKey || ordered !== device.sessions) {
      const peerPreKey = device.signedPreKey;
      const sessions = ordered.map((other) => (other === used ? { ...other, peerPreKey } : other));
      putPeer(tx, from, withDevice(peer, { ...device, hasReplied: true, sessions }));
    }
    await noteWrote(tx, context, from, await skippedKeysOf(tx, peer, from, opened.skipped));
    return { ...content, protection, sessionBegun: false };
  }
  if (refusal !== undefined) throw refusal;
  try {
    await message.refuseRepeated?.(tx, candidates);
  } catch (error) {
    throw isSottoError(error, 'RATCHET_DUPLICATE') ? duplicate(messageId) : error;
  }

  const { epoch } = await ownDeviceRecord(tx);
  const session = await message.accept(tx, before.device, epoch);
  if (session === undefined && fitsNone) throw notAuthentic('in any session with its sender');
  if (session === undefined) return undefined;
  const opened = await message.open(tx, session);
  if (opened === undefined) throw notAuthentic('in the session that it begins');
  const content = await read(opened.plaintext);
  const { peer, device } = await known();
  const summary = { ...session.summary, peerPreKey: device.signedPreKey };
  const others = device.sessions.filter(({ id }) => compareBytes(id, summary.id) !== 0);
  const replied: PeerDevice = {
    ...device,
    hasReplied: true,
    sessions: isLate(device, content.bundle) ? others : await withoutReplaced(tx, context, others, summary),
  };
  const own = { preKey: await currentPreKey(tx), epoch };
  const withSession = await addSession(tx, context, replied, summary, own);
  putPeer(tx, from, await withinBounds(tx, withDevice(peer, withSession), context));
  await noteWrote(tx, context, from, await skippedKeysOf(tx, peer, from, opened.skipped));
  return { ...content, protection, sessionBegun: true };
}

function notAuthentic(where: string): SottoError {
  return new SottoError('AUTHENTICATION_FAILED', `The message does not authenticate ${where}.`, {
    what: 'ratchet message',
  });
}

/** What {@link openInSession} finds. */
interface Opened extends Content {
  readonly protection: 'pq' | 'dr';
  readonly sessionBegun: boolean;
}

/** Enforces the bound on message keys kept for strangers after a message changed their number. */
async function skippedKeysOf(
  tx: ReadTransaction,
  peer: PeerRecord,
  from: PublicKey,
  change: number,
): Promise<{ readonly skippedKeys?: number }> {
  if (change === 0 || isLetIn(peer)) return {};
  const { wrote } = await getStrangers(tx);
  const known = wrote.find(({ identity }) => compareBytes(identity, from) === 0);
  return { skippedKeys: Math.max(0, (known?.skippedKeys ?? 0) + change) };
}
