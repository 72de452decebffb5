import {
  compareBytes,
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
import { type DirectMessage, decodeProtocolMessage, type ProtocolMessage } from '@sotto/protocol-codec';
import { acceptX3dh, openDhFallback } from '@sotto/x3dh';
import type { PeerDevice } from '../generated/sotto/messenger/v1/storage.js';
import type { UnitOfWork } from '../storage/ledger.js';
import { endedChainTable, seenTable, sessionTable, skippedKeyTable } from '../storage/tables.js';
import type { DeviceContext } from './context.js';
import { messageIdFor } from './encryption.js';
import { findPreKeyPair, ownDeviceRecord } from './own-pre-keys.js';
import {
  type BundleNews,
  findDevice,
  getPeer,
  NO_NEWS,
  newPeerDevice,
  putPeer,
  type RecentBundles,
  withDevice,
  withoutSessions,
} from './peers.js';
import { addSession, loadSession, type Session, sessionId, sessionOrder } from './sessions.js';

/** How a received message was protected. */
export type Protection = 'dr' | 'dh' | 'public';

/** What a message told of its sender, whatever became of its payload. */
interface Common {
  /** KECCAK-256 of sender and ProtocolMessage, 32 bytes. */
  readonly messageId: Uint8Array;
  /** Installation id that the sender gives; empty when there is none. */
  readonly senderInstallation: string;
  /** What its bundle changed. */
  readonly news: BundleNews;
  /** Why its bundle was not taken, if it was not. */
  readonly bundleProblem: SottoError | undefined;
}

/** What came out of a message. */
export type DecryptOutcome = Common &
  (
    | {
        readonly kind: 'message';
        readonly payload: Uint8Array;
        readonly protection: Protection;
        /** A session began with it. */
        readonly sessionBegun: boolean;
        /** The sender said that it lost the sessions that we had with it. */
        readonly sessionsLost: boolean;
      }
    /** Nothing but the bundle. */
    | { readonly kind: 'bundle' }
    /** Authentic as far as the transport vouches, and not for us to read. */
    | {
        readonly kind: 'unreadable';
        readonly reason: 'DEVICE_NOT_ADDRESSED' | 'SESSION_NOT_FOUND';
        /** It comes from a device of our own identity: no answer is due. */
        readonly own: boolean;
      }
  );

/**
 * Opens a message within a step; when it throws, the step is dropped and nothing has changed. Bundles first,
 * then the entry for this device or `none`. Wire profile, section 5.
 *
 * @throws DUPLICATE_MESSAGE, MALFORMED_MESSAGE, BUNDLE_SIGNATURE_INVALID, AUTHENTICATION_FAILED and what the
 *   ratchet throws
 */
export async function decryptMessage(
  work: UnitOfWork,
  context: DeviceContext,
  recentBundles: RecentBundles,
  from: PublicKey,
  bytes: Uint8Array,
): Promise<DecryptOutcome> {
  const message = decodeProtocolMessage(bytes);
  const messageId = messageIdFor(context.crypto, from, bytes);
  const { installationId: senderInstallation } = message;
  const common = {
    messageId,
    senderInstallation,
    ...(await takeBundle(work, context, recentBundles, from, message)),
  };
  const guard = () => refuseRepeated(work, context, messageId);

  if (message.publicMessage !== undefined) {
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
  if (message.directMessages.size === 0) return { ...common, kind: 'bundle' };

  const own = compareBytes(from, context.identity.publicKey) === 0;
  const entry =
    message.directMessages.get(context.installationId) ?? message.directMessages.get(NO_INSTALLATION);
  if (entry === undefined) return { ...common, kind: 'unreadable', reason: 'DEVICE_NOT_ADDRESSED', own };

  if (entry.dhHeader !== undefined && entry.drHeader === undefined) {
    const payload = openDhFallback(context.crypto, context.identity, {
      ephemeralKey: entry.dhHeader.key,
      payload: entry.payload,
    });
    await guard();
    const empty = payload.length === 0;
    const sessionsLost = empty && (await noteLostSessions(work, from, senderInstallation));
    if (!empty) await noteHeard(work, from, senderInstallation);
    return { ...common, kind: 'message', payload, protection: 'dh', sessionBegun: false, sessionsLost };
  }

  const opened = await openInSession(work, context, from, senderInstallation, entry, messageId);
  if (opened === undefined) return { ...common, kind: 'unreadable', reason: 'SESSION_NOT_FOUND', own };
  if (opened.sessionBegun) await guard();
  return { ...common, kind: 'message', protection: 'dr', sessionsLost: false, ...opened };
}

/** Verifies and applies the sender's newest bundle; older ones and those of others are passed over. */
async function takeBundle(
  work: UnitOfWork,
  context: DeviceContext,
  recentBundles: RecentBundles,
  from: PublicKey,
  message: ProtocolMessage,
): Promise<Pick<Common, 'news' | 'bundleProblem'>> {
  const newest = message.bundles
    .filter(({ identity }) => compareBytes(identity, from) === 0)
    .reduce<ProtocolMessage['bundles'][number] | undefined>(
      (best, bundle) => (best === undefined || bundle.timestamp > best.timestamp ? bundle : best),
      undefined,
    );
  if (newest === undefined) return { news: NO_NEWS, bundleProblem: undefined };
  const bundle = recentBundles.verify(context, newest);
  try {
    return {
      news: await recentBundles.apply(work, context, bundle, message.installationId),
      bundleProblem: undefined,
    };
  } catch (error) {
    // A peer whose clock is a year ahead can still be read in the sessions that there are.
    if (!isSottoError(error, 'BUNDLE_IMPLAUSIBLE')) throw error;
    return { news: NO_NEWS, bundleProblem: error };
  }
}

/** Messages are remembered, and forgotten, two weeks' worth at a time. */
const FORTNIGHT_MS = 14 * 24 * 60 * 60_000;

function fortnightName(fortnight: number): string {
  return String(fortnight).padStart(6, '0');
}

/** The fortnight of now, and the oldest that is still remembered. */
function rememberedFortnights({ clock, limits }: DeviceContext): readonly [current: number, oldest: number] {
  const current = Math.floor(clock.now() / FORTNIGHT_MS);
  return [current, current - Math.ceil(limits.seenRetentionMs / FORTNIGHT_MS)];
}

/** Remembers a message that no ratchet guards, and refuses it the second time. */
async function refuseRepeated(
  work: UnitOfWork,
  context: DeviceContext,
  messageId: Uint8Array,
): Promise<void> {
  const id = encodeHex(messageId);
  const [current, oldest] = rememberedFortnights(context);
  // One more than now: the clock may have gone back since.
  for (let fortnight = current + 1; fortnight >= oldest; fortnight--) {
    if ((await work.get(seenTable, fortnightName(fortnight), id)) !== undefined) throw duplicate(messageId);
  }
  work.put(seenTable, new Uint8Array(0), fortnightName(current), id);
}

/** Forgets messages whose time is over, the oldest fortnight if it is. Cheap when there is none. */
export async function deleteOldSeen(work: UnitOfWork, context: DeviceContext): Promise<void> {
  const [, oldest] = rememberedFortnights(context);
  const [first] = await work.keys(seenTable, [], 1);
  const fortnight = first?.[0];
  if (fortnight === undefined || fortnight >= fortnightName(oldest)) return;
  for (const segments of await work.keys(seenTable, [fortnight])) work.delete(seenTable, ...segments);
}

function duplicate(messageId: Uint8Array): SottoError {
  return new SottoError('DUPLICATE_MESSAGE', 'This message was received before.', {
    messageId: encodeHex(messageId),
  });
}

/**
 * An empty message outside of any session says that its sender could not read us: what we had with that device is
 * gone there, and the next message begins anew.
 */
async function noteLostSessions(work: UnitOfWork, from: PublicKey, installationId: string): Promise<boolean> {
  const peer = await getPeer(work, from);
  const device = findDevice(peer, installationId);
  if (device === undefined || device.sessions.every(({ lost }) => lost)) return false;
  putPeer(work, from, withDevice(peer, withoutSessions(device)));
  return true;
}

/** A message has come from a device: it knows us, and listens to our negotiated topic. Wire profile, section 6. */
async function noteHeard(work: UnitOfWork, from: PublicKey, installationId: string): Promise<void> {
  const peer = await getPeer(work, from);
  const device = findDevice(peer, installationId);
  if (device === undefined || device.heard) return;
  putPeer(work, from, withDevice(peer, { ...device, heard: true }));
}

/** Tries the sessions that fit the headers; `undefined` when there is none. */
async function openInSession(
  work: UnitOfWork,
  context: DeviceContext,
  from: PublicKey,
  senderInstallation: string,
  entry: DirectMessage,
  messageId: Uint8Array,
): Promise<{ readonly payload: Uint8Array; readonly sessionBegun: boolean } | undefined> {
  const { x3dhHeader, drHeader } = entry;
  const malformed = (reason: string) =>
    new SottoError('MALFORMED_MESSAGE', 'The headers of the message do not fit together.', {
      what: 'DirectMessageProtocol',
      reason,
    });
  if (drHeader === undefined) throw malformed('no ratchet header');
  if (x3dhHeader !== undefined && compareBytes(x3dhHeader.id, drHeader.id) !== 0) {
    throw malformed('two prekeys named');
  }
  const installationId = parseInstallationId(senderInstallation);
  const remote = { identity: from, installationId };
  const peer = await getPeer(work, from);
  const isOwn = compareBytes(from, context.identity.publicKey) === 0;
  const device = findDevice(peer, installationId) ?? newPeerDevice(installationId, !isOwn);

  const named = x3dhHeader && sessionId(context, remote, x3dhHeader.id, x3dhHeader.key);
  const candidates = device.sessions
    .filter((session) =>
      named ? compareBytes(session.id, named) === 0 : compareBytes(session.signedPreKey, drHeader.id) === 0,
    )
    .toReversed();
  const message: RatchetMessage = { header: drHeader, body: entry.payload };
  let refusal: unknown;
  for (const summary of candidates) {
    const session = await loadSession(work, summary);
    if (session === undefined) continue;
    try {
      const payload = await openWith(work, context, session, message);
      if (!device.heard || summary.lost) {
        const sessions = device.sessions.map((other) =>
          other === summary ? { ...other, lost: false } : other,
        );
        putPeer(work, from, withDevice(peer, { ...device, heard: true, sessions }));
      }
      return { payload, sessionBegun: false };
    } catch (error) {
      // Used here before: it is no other session's either.
      if (isSottoError(error, 'RATCHET_DUPLICATE')) throw duplicate(messageId);
      refusal = error;
    }
  }
  if (refusal !== undefined) throw refusal;
  if (x3dhHeader === undefined || named === undefined) return undefined;

  const signedPreKey = await findPreKeyPair(work, context, x3dhHeader.id);
  if (signedPreKey === undefined) return undefined;
  const sharedKey = acceptX3dh(context.crypto, {
    identity: context.identity,
    signedPreKey,
    remoteIdentity: from,
    ephemeralKey: x3dhHeader.key,
  });
  const { currentPreKey, epoch } = await ownDeviceRecord(work);
  const summary = {
    id: named,
    initiator: false,
    signedPreKey: x3dhHeader.id,
    order: sessionOrder(sharedKey),
    lost: false,
    epoch,
  };
  const state = startResponder(context.suite, sharedKey, signedPreKey);
  const payload = await openWith(work, context, { summary, state, ephemeralKey: undefined }, message);
  const known: PeerDevice = {
    ...device,
    heard: true,
    sessions: device.sessions.filter(({ id }) => compareBytes(id, named) !== 0),
  };
  putPeer(
    work,
    from,
    withDevice(peer, await addSession(work, context, known, summary, { preKey: currentPreKey, epoch })),
  );
  return { payload, sessionBegun: true };
}

/** One ratchet step: the session and its skipped keys, in the step under way. */
async function openWith(
  work: UnitOfWork,
  context: DeviceContext,
  session: Session,
  message: RatchetMessage,
): Promise<Uint8Array> {
  const name = encodeHex(session.summary.id);
  const wanted = skippedKeyFor(session.state, message.header);
  const skippedKey =
    wanted && (await work.get(skippedKeyTable, name, encodeHex(wanted.key), wanted.n.toString()));
  const { remoteKey } = session.state;
  // What comes again of the chain being read, the ratchet itself refuses.
  const isOfCurrentChain = remoteKey !== undefined && compareBytes(remoteKey, message.header.key) === 0;
  if (
    wanted === undefined &&
    !isOfCurrentChain &&
    (await work.get(endedChainTable, name, encodeHex(message.header.key)))
  ) {
    throw new SottoError('RATCHET_DUPLICATE', 'This message is of a chain that was read to its end.', {
      n: message.header.n,
    });
  }
  const { next, plaintext, keys } = decrypt(
    context.suite,
    session.state,
    message,
    skippedKey && { skippedKey },
  );
  for (const { key, n, messageKey } of keys.stored) {
    work.put(skippedKeyTable, messageKey, name, encodeHex(key), n.toString());
  }
  for (const { key, n } of keys.deleted) work.delete(skippedKeyTable, name, encodeHex(key), n.toString());
  if (remoteKey !== undefined && compareBytes(remoteKey, next.remoteKey as Uint8Array) !== 0) {
    work.put(endedChainTable, new Uint8Array(0), name, encodeHex(remoteKey));
  }
  // An answer: the X3DH header need not be repeated any more.
  work.put(sessionTable, { ratchet: encodeState(next), ephemeralKey: new Uint8Array(0) }, name);
  return plaintext;
}
