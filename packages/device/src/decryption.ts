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
import {
  decrypt,
  encodeState,
  type RatchetMessage,
  skippedKeyFor,
  startResponder,
} from '@sotto/double-ratchet';
import {
  type Bundle,
  type DirectMessage,
  decodeProtocolMessage,
  isBareMessage,
  type ProtocolMessage,
} from '@sotto/protocol-codec';
import { acceptX3dh, openDhFallback } from '@sotto/x3dh';
import type { DeviceContext } from './context.js';
import { messageIdFor, newestBundle, publicMessageIdFor, signedTime } from './messages.js';
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
import { findPreKeyPair, ownDeviceRecord } from './pre-keys.js';
import { type Remedy, remedyFor } from './remedy.js';
import { refuseRepeated } from './seen-messages.js';
import { addSession, loadSession, type Session, sessionId, sessionOrder } from './sessions.js';
import type { PeerDevice, PeerRecord, Protection, SessionSummary } from './storage/records.js';
import { endedChainTable, sessionTable, skippedKeyTable } from './storage/tables.js';
import type { ReadTransaction, Transaction } from './storage/transaction.js';
import { getStrangers, isLetIn, noteSeen, noteWrote } from './strangers.js';

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
  const message = decodeProtocolMessage(bytes);
  const { installationId: senderInstallation } = message;
  const common = {
    messageId,
    senderInstallation,
    ...(await processBundle(tx, context, bundleCache, from, message)),
  };
  const signedAt = signedTime(from, message);
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
    const remedy = await remedyFor(tx, context, from, message);
    const own = compareBytes(from, context.identity.publicKey) === 0;
    return { ...common, kind: 'unreadable', reason, own, remedy } as const;
  };
  const entry =
    message.directMessages.get(context.installationId) ?? message.directMessages.get(NO_INSTALLATION);
  if (entry === undefined) return unreadable('DEVICE_NOT_ADDRESSED');

  if (entry.dhHeader !== undefined && entry.drHeader === undefined) {
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

  const origin = { from, senderInstallation, bundle: newestBundle(from, message) };
  const opened = await openInSession(tx, context, origin, entry, messageId);
  if (opened === undefined) return unreadable('SESSION_NOT_FOUND');
  if (opened.sessionBegun) await guard();
  return { ...common, kind: 'message', protection: 'dr', sessionsLost: false, ...opened };
}

/** A public message of a client that doesn't wrap it in a ProtocolMessage: it has no bundle. */
function bareMessage(messageId: Uint8Array, bytes: Uint8Array): DecryptOutcome {
  return {
    kind: 'message',
    messageId,
    senderInstallation: '',
    news: NO_NEWS,
    bundleError: undefined,
    payload: copyBytes(bytes),
    protection: 'public',
    sessionBegun: false,
    sessionsLost: false,
  };
}

/** Verifies and applies the sender's newest bundle; ignores older ones and those of others. */
async function processBundle(
  tx: Transaction,
  context: DeviceContext,
  bundleCache: BundleCache,
  from: PublicKey,
  message: ProtocolMessage,
): Promise<Pick<DecryptOutcomeBase, 'news' | 'bundleError'>> {
  const newest = newestBundle(from, message);
  if (newest === undefined) return { news: NO_NEWS, bundleError: undefined };
  const bundle = bundleCache.verify(context, newest);
  try {
    const news = await bundleCache.apply(tx, context, bundle, message.installationId);
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

/** Where a message comes from. */
interface Origin {
  readonly from: PublicKey;
  readonly senderInstallation: string;
  /** The newest of the sender that comes with it. */
  readonly bundle: Bundle | undefined;
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
  const isLate = bundle !== undefined && bundle.timestamp < device.attestedAt;
  const isLast = device.sessions.findLast(({ initiator }) => !initiator) === latest;
  if (latest.initiator || isLast || isLate) return device.sessions;
  return [...device.sessions.filter((other) => other !== latest), latest];
}

/** Tries the sessions that match the headers; `undefined` when there is none. */
async function openInSession(
  tx: Transaction,
  context: DeviceContext,
  { from, senderInstallation, bundle }: Origin,
  entry: DirectMessage,
  messageId: Uint8Array,
): Promise<{ readonly payload: Uint8Array; readonly sessionBegun: boolean } | undefined> {
  const { x3dhHeader, drHeader } = entry;
  const malformed = (reason: string) =>
    new SottoError('MALFORMED_MESSAGE', 'The headers of the message are inconsistent.', {
      what: 'DirectMessageProtocol',
      reason,
    });
  if (drHeader === undefined) throw malformed('no ratchet header');
  if (x3dhHeader !== undefined && compareBytes(x3dhHeader.id, drHeader.id) !== 0) {
    throw malformed('two prekeys named');
  }
  const installationId = parseInstallationId(senderInstallation);
  const remote = { identity: from, installationId };
  const peer = await getPeer(tx, from);
  const isOwn = compareBytes(from, context.identity.publicKey) === 0;
  const device = findDevice(peer, installationId) ?? newPeerDevice(installationId, !isOwn);

  /** The session that an X3DH header names: it begins with it, or has begun. */
  const named = x3dhHeader && {
    ...x3dhHeader,
    sessionId: sessionId(context, remote, x3dhHeader.id, x3dhHeader.key),
  };
  const candidates = device.sessions
    .filter((session) =>
      named
        ? compareBytes(session.id, named.sessionId) === 0
        : compareBytes(session.signedPreKey, drHeader.id) === 0,
    )
    .toReversed();
  const message: RatchetMessage = { header: drHeader, body: entry.payload };
  let refusal: unknown;
  for (const summary of candidates) {
    const session = await loadSession(tx, summary);
    if (session === undefined) continue;
    try {
      const opened = await openWith(tx, context, session, message);
      const knowsPreKey = compareBytes(summary.peerPreKey, device.signedPreKey) === 0;
      const ordered = withLatest(device, summary, bundle);
      if (!device.hasReplied || !knowsPreKey || ordered !== device.sessions) {
        const peerPreKey = device.signedPreKey;
        const sessions = ordered.map((other) => (other === summary ? { ...other, peerPreKey } : other));
        putPeer(tx, from, withDevice(peer, { ...device, hasReplied: true, sessions }));
      }
      await noteWrote(tx, context, from, await skippedKeysOf(tx, peer, from, opened.skipped));
      return { payload: opened.plaintext, sessionBegun: false };
    } catch (error) {
      // Decrypted in this session before, so it belongs to no other session.
      if (isSottoError(error, 'RATCHET_DUPLICATE')) throw duplicate(messageId);
      refusal = error;
    }
  }
  if (refusal !== undefined) throw refusal;
  if (named === undefined) return undefined;

  const signedPreKey = await findPreKeyPair(tx, context, named.id);
  if (signedPreKey === undefined) return undefined;
  const sharedKey = acceptX3dh(context.crypto, {
    identity: context.identity,
    signedPreKey,
    remoteIdentity: from,
    ephemeralKey: named.key,
  });
  const { currentPreKey, epoch } = await ownDeviceRecord(tx);
  const summary = {
    id: named.sessionId,
    initiator: false,
    signedPreKey: named.id,
    order: sessionOrder(sharedKey),
    lost: false,
    epoch,
    peerPreKey: device.signedPreKey,
  };
  const state = startResponder(context.suite, sharedKey, signedPreKey);
  const opened = await openWith(tx, context, { summary, state, ephemeralKey: undefined }, message);
  const known: PeerDevice = {
    ...device,
    hasReplied: true,
    sessions: device.sessions.filter(({ id }) => compareBytes(id, named.sessionId) !== 0),
  };
  const withSession = await addSession(tx, context, known, summary, { preKey: currentPreKey, epoch });
  putPeer(tx, from, await withinBounds(tx, withDevice(peer, withSession), context));
  await noteWrote(tx, context, from, await skippedKeysOf(tx, peer, from, opened.skipped));
  return { payload: opened.plaintext, sessionBegun: true };
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

/**
 * One ratchet step: the session and its skipped keys.
 * @returns the payload, and the change in the number of skipped keys
 */
async function openWith(
  tx: Transaction,
  context: DeviceContext,
  session: Session,
  message: RatchetMessage,
): Promise<{ readonly plaintext: Uint8Array; readonly skipped: number }> {
  const name = encodeHex(session.summary.id);
  const wanted = skippedKeyFor(session.state, message.header);
  const record = wanted && (await tx.get(skippedKeyTable, name, encodeHex(wanted.key), wanted.n.toString()));
  const skippedKey = record?.messageKey;
  const { remoteKey } = session.state;
  // The ratchet itself refuses repetitions in the current chain.
  const isOfCurrentChain = remoteKey !== undefined && compareBytes(remoteKey, message.header.key) === 0;
  if (
    wanted === undefined &&
    !isOfCurrentChain &&
    (await tx.get(endedChainTable, name, encodeHex(message.header.key)))
  ) {
    throw new SottoError('RATCHET_DUPLICATE', 'This message belongs to a chain that was read completely.', {
      n: message.header.n,
    });
  }
  const { next, plaintext, keys } = decrypt(
    context.suite,
    session.state,
    message,
    skippedKey && { skippedKey },
  );
  const storedAt = context.clock.now();
  for (const { key, n, messageKey } of keys.stored) {
    tx.put(skippedKeyTable, { messageKey, storedAt }, name, encodeHex(key), n.toString());
  }
  for (const { key, n } of keys.deleted) tx.delete(skippedKeyTable, name, encodeHex(key), n.toString());
  if (remoteKey !== undefined && compareBytes(remoteKey, next.remoteKey as Uint8Array) !== 0) {
    tx.put(endedChainTable, new Uint8Array(0), name, encodeHex(remoteKey));
  }
  // The peer has answered: the X3DH header need not be repeated any longer.
  tx.put(
    sessionTable,
    { ratchet: encodeState(next), ephemeralKey: new Uint8Array(0), usedAt: BigInt(Math.trunc(storedAt)) },
    name,
  );
  return { plaintext, skipped: keys.stored.length - keys.deleted.length };
}
