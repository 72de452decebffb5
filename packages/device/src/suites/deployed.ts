import { compareBytes, encodeHex, type PublicKey, SottoError } from '@sotto/core';
import {
  decrypt,
  encodeState,
  encrypt,
  type RatchetMessage,
  skippedKeyFor,
  startInitiator,
  startResponder,
} from '@sotto/double-ratchet';
import type { DirectMessage } from '@sotto/protocol-codec';
import { acceptX3dh, initiateX3dh } from '@sotto/x3dh';
import type { DeviceContext } from '../context.js';
import { storedNow } from '../own-clock.js';
import { findPreKey } from '../pre-keys.js';
import type { PeerDevice } from '../storage/records.js';
import { skippedKeyTable } from '../storage/tables.js';
import type { Transaction } from '../storage/transaction.js';
import { hasEnded, keepEndedKey } from './ended-chains.js';
import type { IncomingMessage, OpenedMessage, Remote } from './incoming.js';
import { DEPLOYED_SUITE, type DeployedSession, putSession, sessionId } from './session.js';
import { sessionOrder } from './session-order.js';

/** Begins a session with a device whose prekey is known, in the suite of deployed peers. */
export function beginDeployed(
  context: DeviceContext,
  identity: PublicKey,
  device: Pick<PeerDevice, 'installationId' | 'signedPreKey'>,
  epoch: number,
): DeployedSession {
  const { signedPreKey, installationId } = device;
  const { sharedKey, ephemeralKey } = initiateX3dh(context.crypto, {
    identity: context.identity,
    remoteIdentity: identity,
    signedPreKey,
  });
  return {
    suite: 'deployed',
    summary: {
      id: sessionId(context, { identity, installationId }, signedPreKey, ephemeralKey),
      initiator: true,
      signedPreKey,
      order: sessionOrder(sharedKey),
      lost: false,
      epoch,
      peerPreKey: signedPreKey,
      suite: DEPLOYED_SUITE,
    },
    state: startInitiator(context.suite, sharedKey, signedPreKey),
    ephemeralKey,
    endedChains: 0,
  };
}

/** Encrypts in a session, and stores its next state. */
export function encryptDeployed(
  tx: Transaction,
  context: DeviceContext,
  { summary, state, ephemeralKey, endedChains }: DeployedSession,
  payload: Uint8Array,
): DirectMessage {
  const { next, message } = encrypt(context.suite, state, payload);
  putSession(tx, summary, {
    ratchet: encodeState(next),
    usedAt: storedNow(context.clock),
    endedChains,
    ...(ephemeralKey && { ephemeralKey }),
  });
  return {
    ...(ephemeralKey && { x3dhHeader: { key: ephemeralKey, id: summary.signedPreKey } }),
    drHeader: { ...message.header, id: summary.signedPreKey },
    payload: message.body,
  };
}

/**
 * A message in the suite of deployed peers.
 * @throws MALFORMED_MESSAGE when its headers are inconsistent
 */
export function deployedMessage(
  context: DeviceContext,
  remote: Remote,
  { x3dhHeader, drHeader, payload }: DirectMessage,
): IncomingMessage {
  if (drHeader === undefined) throw malformed('no ratchet header');
  if (x3dhHeader !== undefined && compareBytes(x3dhHeader.id, drHeader.id) !== 0) {
    throw malformed('two prekeys named');
  }
  const named = x3dhHeader && sessionId(context, remote, x3dhHeader.id, x3dhHeader.key);
  const message: RatchetMessage = { header: drHeader, body: payload };
  return {
    protection: 'dr',
    candidates: ({ sessions }) =>
      sessions
        .filter(
          ({ suite, id, signedPreKey }) =>
            suite === DEPLOYED_SUITE &&
            (named ? compareBytes(id, named) === 0 : compareBytes(signedPreKey, drHeader.id) === 0),
        )
        .toReversed(),
    async open(tx, session) {
      return session.suite === 'deployed' ? openDeployed(tx, context, session, message) : undefined;
    },
    async accept(tx, device, epoch) {
      if (x3dhHeader === undefined || named === undefined) return undefined;
      const preKey = await findPreKey(tx, context, x3dhHeader.id);
      if (preKey === undefined) return undefined;
      const sharedKey = acceptX3dh(context.crypto, {
        identity: context.identity,
        signedPreKey: preKey.pair,
        remoteIdentity: remote.identity,
        ephemeralKey: x3dhHeader.key,
      });
      return {
        suite: 'deployed',
        summary: {
          id: named,
          initiator: false,
          signedPreKey: x3dhHeader.id,
          order: sessionOrder(sharedKey),
          lost: false,
          epoch,
          peerPreKey: device.signedPreKey,
          suite: DEPLOYED_SUITE,
        },
        state: startResponder(context.suite, sharedKey, preKey.pair),
        ephemeralKey: undefined,
        endedChains: 0,
      };
    },
  };
}

function malformed(reason: string): SottoError {
  return new SottoError('MALFORMED_MESSAGE', 'The headers of the message are inconsistent.', {
    what: 'DirectMessageProtocol',
    reason,
  });
}

/** One ratchet step: the session and its skipped keys. */
async function openDeployed(
  tx: Transaction,
  context: DeviceContext,
  session: DeployedSession,
  message: RatchetMessage,
): Promise<OpenedMessage> {
  const name = encodeHex(session.summary.id);
  const wanted = skippedKeyFor(session.state, message.header);
  const record = wanted && (await tx.get(skippedKeyTable, name, encodeHex(wanted.key), wanted.n.toString()));
  const skippedKey = record?.messageKey;
  const { remoteKey } = session.state;
  // The ratchet itself refuses repetitions in the current chain.
  const isOfCurrentChain = remoteKey !== undefined && compareBytes(remoteKey, message.header.key) === 0;
  if (wanted === undefined && !isOfCurrentChain && (await hasEnded(tx, name, message.header.key))) {
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
  let { endedChains } = session;
  if (remoteKey !== undefined && compareBytes(remoteKey, next.remoteKey as Uint8Array) !== 0) {
    endedChains = await keepEndedKey(tx, name, endedChains, remoteKey);
  }
  // The peer has answered: the X3DH header need not be repeated any longer.
  putSession(tx, session.summary, {
    ratchet: encodeState(next),
    usedAt: BigInt(Math.trunc(storedAt)),
    endedChains,
  });
  return { plaintext, skipped: keys.stored.length - keys.deleted.length };
}
