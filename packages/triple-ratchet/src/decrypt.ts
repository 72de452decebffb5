import { compareBytes, copyBytes, SottoError } from '@sotto/core';
import {
  curve25519Suite,
  type SkippedKey,
  type SkippedKeyChanges,
  type SkippedKeyId,
} from '@sotto/double-ratchet';
import { openBody, ratchetReceiveKey, skippedKeyFor } from '@sotto/double-ratchet/keys';
import { dropExcess, turnReceiving } from './header-keys.js';
import { DEFAULT_TRIPLE_LIMITS, type TripleRatchetLimits } from './limits.js';
import { authenticatedData, hybridKey } from './message-key.js';
import type { OpenedMessage } from './open-header.js';
import type { TripleRatchetProvider } from './provider.js';
import { sparseReceiveKey, sparseSkippedKeyFor } from './sparse/receive-key.js';
import { sparseTakePart } from './sparse/take-part.js';
import { TripleRatchetState } from './state.js';

/** Options of {@link decrypt}. */
export interface DecryptOptions {
  /** The bytes that the sender passed to `encrypt`. */
  readonly associatedData?: Uint8Array | undefined;
  /** The message keys kept for this message, those that `skippedKeysFor` names. Borrowed. */
  readonly skippedKeys?: readonly SkippedKey[] | undefined;
  /** Default: `DEFAULT_TRIPLE_LIMITS`. */
  readonly limits?: TripleRatchetLimits | undefined;
}

/** What {@link decrypt} returns. */
export interface Decrypted {
  /** Replaces the state: store it, with the key changes, in one write, before the plaintext is used. */
  readonly next: TripleRatchetState;
  /** Fresh; the caller owns it. */
  readonly plaintext: Uint8Array;
  /**
   * Skipped message keys to keep and to delete in the same write. Those of the DH ratchet are named by a ratchet key of 32 bytes, those
   * of the post-quantum ratchet by an epoch in 4 bytes; no two have one name.
   */
  readonly keys: SkippedKeyChanges;
}

const NO_BYTES = new Uint8Array(0);

/**
 * Decrypts a message whose header was opened; messages may arrive in any order. A failure throws and changes nothing: the given
 * state is still that of the session. What the message carries of the post-quantum exchange is looked at only after it has authenticated.
 *
 * @param opened what `tryHeader` returned for this state
 * @throws RATCHET_MALFORMED, RATCHET_TOO_MANY_SKIPPED before any key is derived;
 *   RATCHET_DUPLICATE when the message's key was used already or deleted; RATCHET_KEY_MISSING;
 *   INVALID_PUBLIC_KEY; AUTHENTICATION_FAILED; INVALID_ARGUMENT
 */
export function decrypt(
  crypto: TripleRatchetProvider,
  state: TripleRatchetState,
  opened: OpenedMessage,
  options: DecryptOptions = {},
): Decrypted {
  const { header, encryptedHeader, body } = opened;
  const limits = options.limits ?? DEFAULT_TRIPLE_LIMITS;
  checkChain(state, opened);
  const keyFor = (id: SkippedKeyId | undefined) => storedKey(options.skippedKeys, id);
  const dh = ratchetReceiveKey(curve25519Suite(crypto), state.ratchet, header.ratchet, {
    limits,
    skippedKey: keyFor(skippedKeyFor(state.ratchet, header.ratchet)),
  });
  const sparse = sparseReceiveKey(crypto, state.sparse, header.sparse, {
    limits,
    skippedKey: keyFor(sparseSkippedKeyFor(state.sparse, header.sparse)),
  });
  const plaintext = openBody(
    crypto,
    hybridKey(crypto, dh.messageKey, sparse.messageKey),
    body,
    authenticatedData(state.associatedData, options.associatedData ?? NO_BYTES),
    encryptedHeader,
  );

  const headerKeys = turnReceiving(state, dh);
  const { next, dropped } = dropExcess(
    new TripleRatchetState({
      ...state,
      ratchet: dh.next,
      sparse: sparseTakePart(crypto, sparse.next, header.sparse),
      headerKeys,
    }),
    limits.maxEarlierHeaderKeys,
  );
  return { next, plaintext, keys: withDropped([dh.keys, sparse.keys], dropped) };
}

/** The header has to say the same as the key that opened it: each is the peer's claim of which chain the message is on. */
function checkChain(state: TripleRatchetState, { header, chain }: OpenedMessage): void {
  const { key, n } = header.ratchet;
  const isCurrent = state.ratchet.remoteKey !== undefined && compareBytes(state.ratchet.remoteKey, key) === 0;
  const isKept = skippedKeyFor(state.ratchet, header.ratchet) !== undefined;
  if (chain === 'earlier' && !isKept && !isCurrent) {
    throw new SottoError('RATCHET_DUPLICATE', 'This message was received already, or is too old.', { n });
  }
  if ((chain === 'current') !== isCurrent || (chain === 'next' && isKept)) {
    throw new SottoError('RATCHET_MALFORMED', 'The message contradicts the key of its header.', {
      reason: `header of the ${chain} chain with the ratchet key of another`,
    });
  }
}

/** A copy, since the key that is mixed is wiped. */
function storedKey(
  keys: readonly SkippedKey[] | undefined,
  id: SkippedKeyId | undefined,
): Uint8Array | undefined {
  const found = id && keys?.find(({ key, n }) => n === id.n && compareBytes(key, id.key) === 0);
  return found && copyBytes(found.messageKey);
}

/** The changes of both ratchets as one, with the keys that were dropped together with their header keys. */
function withDropped(
  changes: readonly SkippedKeyChanges[],
  dropped: readonly SkippedKeyId[],
): SkippedKeyChanges {
  const isIn = (ids: readonly SkippedKeyId[], { key, n }: SkippedKeyId) =>
    ids.some((id) => id.n === n && compareBytes(id.key, key) === 0);
  const stored = changes.flatMap((change) => change.stored);
  return {
    stored: stored.filter((key) => !isIn(dropped, key)),
    deleted: [...changes.flatMap((change) => change.deleted), ...dropped.filter((id) => !isIn(stored, id))],
  };
}
