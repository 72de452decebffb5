import { compareBytes, encodeHex, type PublicKey, SottoError } from '@sotto/core';
import type { SkippedKey } from '@sotto/double-ratchet';
import {
  type DirectMessage,
  decodeHybridHandshake,
  encodeHybridHandshake,
  type HybridHeader,
} from '@sotto/protocol-codec';
import { deviceDigest, HYBRID_SUITE } from '@sotto/x3dh';
import type { DeviceContext } from '../context.js';
import { storedNow } from '../own-clock.js';
import { findPreKey, ownDigest } from '../pre-keys.js';
import type { PeerDevice, PreKeyRecord } from '../storage/records.js';
import { skippedKeyTable } from '../storage/tables.js';
import type { ReadTransaction, Transaction } from '../storage/transaction.js';
import { endedChainsOf, keepEnded } from './ended-chains.js';
import type { HybridSuite } from './hybrid-suite.js';
import type { IncomingMessage, OpenedMessage, Remote } from './incoming.js';
import { type HybridSession, isHybrid, putSession, sessionId } from './session.js';

/** Whether a session in the hybrid suite can be begun with a device: it offers the suite, and all prekeys are known. */
export function canBeginHybrid(
  { hybrid: suite }: Pick<DeviceContext, 'hybrid'>,
  { hybrid: offer }: Pick<PeerDevice, 'hybrid'>,
): boolean {
  return suite !== undefined && offer !== undefined && offer.kemPreKey.length > 0;
}

/** Begins a session with a device that offers the hybrid suite. */
export function beginHybrid(
  context: DeviceContext,
  suite: HybridSuite,
  identity: PublicKey,
  device: PeerDevice,
  own: { readonly preKey: PreKeyRecord; readonly epoch: number },
): HybridSession {
  const { signedPreKey, installationId, version, hybrid: offer } = device;
  if (offer === undefined) throw new Error('the device does not offer the hybrid suite');
  const { handshake, state, order } = suite.begin({
    identity: context.identity,
    from: {
      identity: context.identity.publicKey,
      installationId: context.installationId,
      deviceDigest: ownDigest(context, own.preKey),
    },
    to: {
      identity,
      installationId,
      deviceDigest: deviceDigest(context.crypto, installationId, { signedPreKey, version, hybrid: offer }),
    },
    signedPreKey,
    offer,
  });
  return {
    suite: 'hybrid',
    summary: {
      id: sessionId(context, { identity, installationId }, signedPreKey, handshake.key),
      initiator: true,
      signedPreKey,
      order,
      lost: false,
      epoch: own.epoch,
      peerPreKey: signedPreKey,
      suite: HYBRID_SUITE,
    },
    state,
    handshake: encodeHybridHandshake(handshake),
    endedChains: 0,
  };
}

/** Encrypts in a session, and stores its next state. */
export function encryptHybrid(
  tx: Transaction,
  context: DeviceContext,
  suite: HybridSuite,
  device: PeerDevice,
  { summary, state, handshake, endedChains }: HybridSession,
  payload: Uint8Array,
): DirectMessage {
  const { next, message } = suite.encrypt(state, payload);
  putSession(tx, summary, {
    ratchet: next,
    usedAt: storedNow(context.clock),
    endedChains,
    ...(handshake && { handshake }),
  });
  const hasKemPreKey = (device.hybrid?.kemPreKey.length ?? 0) > 0;
  return {
    hybridHeader: {
      ...(handshake && { handshake: decodeHybridHandshake(handshake) }),
      knownVersion: hasKemPreKey ? device.version : 0,
    },
    payload: message,
  };
}

/** A message in the hybrid suite; `undefined` when this device doesn't speak it. */
export function hybridMessage(
  context: DeviceContext,
  remote: Remote,
  { handshake }: HybridHeader,
  message: Uint8Array,
): IncomingMessage | undefined {
  const { hybrid: suite } = context;
  if (suite === undefined || (handshake !== undefined && handshake.suite !== HYBRID_SUITE)) return undefined;
  const named = handshake && sessionId(context, remote, handshake.id, handshake.key);
  return {
    protection: 'pq',
    candidates: ({ sessions }) =>
      sessions
        .filter((session) => isHybrid(session) && (!named || compareBytes(session.id, named) === 0))
        .toReversed(),
    async open(tx, session) {
      return session.suite === 'hybrid' ? openHybrid(tx, context, suite, session, message) : undefined;
    },
    async refuseRepeated(tx, candidates) {
      for (const { id } of candidates) await refuseEnded(tx, suite, encodeHex(id), message);
    },
    async accept(tx, device, epoch) {
      if (handshake === undefined || named === undefined) return undefined;
      const preKey = await findPreKey(tx, context, handshake.id);
      if (preKey?.record.hybrid === undefined) return undefined;
      const { state, order } = suite.accept({
        identity: context.identity,
        from: remote,
        to: {
          identity: context.identity.publicKey,
          installationId: context.installationId,
          deviceDigest: ownDigest(context, preKey.record),
        },
        signedPreKey: preKey.pair,
        preKeys: preKey.record.hybrid,
        handshake,
      });
      return {
        suite: 'hybrid',
        summary: {
          id: named,
          initiator: false,
          signedPreKey: handshake.id,
          order,
          lost: false,
          epoch,
          peerPreKey: device.signedPreKey,
          suite: HYBRID_SUITE,
        },
        state,
        handshake: undefined,
        endedChains: 0,
      };
    },
  };
}

/** One step of both ratchets: the session, its skipped keys, and chains that ended. */
async function openHybrid(
  tx: Transaction,
  context: DeviceContext,
  suite: HybridSuite,
  { summary, state, endedChains }: HybridSession,
  message: Uint8Array,
): Promise<OpenedMessage | undefined> {
  const name = encodeHex(summary.id);
  const opened = suite.openHeader(state, message);
  if (opened === undefined) return undefined;
  const skipped: SkippedKey[] = [];
  for (const id of opened.wanted) {
    const record = await tx.get(skippedKeyTable, name, encodeHex(id.key), id.n.toString());
    if (record !== undefined) skipped.push({ ...id, messageKey: record.messageKey });
  }
  const { next, plaintext, keys, ended } = suite.decrypt(opened, skipped);
  const storedAt = context.clock.now();
  for (const { key, n, messageKey } of keys.stored) {
    tx.put(skippedKeyTable, { messageKey, storedAt }, name, encodeHex(key), n.toString());
  }
  for (const { key, n } of keys.deleted) tx.delete(skippedKeyTable, name, encodeHex(key), n.toString());
  putSession(tx, summary, {
    ratchet: next,
    usedAt: BigInt(Math.trunc(storedAt)),
    endedChains: keepEnded(tx, name, endedChains, ended),
  });
  return { plaintext, skipped: keys.stored.length - keys.deleted.length };
}

/** @throws RATCHET_DUPLICATE when the header is of a chain that was read completely */
async function refuseEnded(
  tx: ReadTransaction,
  suite: HybridSuite,
  session: string,
  message: Uint8Array,
): Promise<void> {
  for await (const chain of endedChainsOf(tx, session)) {
    const n = suite.numberInChain(chain, message);
    if (n === undefined) continue;
    throw new SottoError('RATCHET_DUPLICATE', 'This message belongs to a chain that was read completely.', {
      n,
    });
  }
}
