import { compareBytes } from '@sotto/core';
import {
  listSkippedKeys,
  type SkippedKeyId,
  withoutSkippedKeys as withoutDhKeys,
} from '@sotto/double-ratchet';
import type { ReceiveKey } from '@sotto/double-ratchet/keys';
import { type EarlierHeaderKey, type HeaderKeys, TripleRatchetState } from './state.js';

/**
 * The header keys after a received message. Where the peer made a step of the DH ratchet, the key that was to come next is in use, the
 * step's own is to come next, and the one before is kept among the earlier ones.
 *
 * (A step of ours that comes before, in `headerKeys.sending`, is left out: the peer would have to know a key that we have just drawn,
 * so no such message authenticates.)
 */
export function turnReceiving(state: TripleRatchetState, { headerKeys: stepped }: ReceiveKey): HeaderKeys {
  const { headerKeys } = state;
  if (stepped.receiving === undefined) return headerKeys;
  const { nextReceiving, earlier } = headerKeys;
  return {
    ...headerKeys,
    receiving: nextReceiving,
    nextReceiving: stepped.receiving,
    earlier: [...earlier, ...currentChain(state)],
  };
}

/** The chain that the peer sends on, if it has begun one. */
export function currentChain({ headerKeys, ratchet }: TripleRatchetState): readonly EarlierHeaderKey[] {
  const { receiving } = headerKeys;
  if (receiving === undefined || ratchet.remoteKey === undefined) return [];
  return [{ headerKey: receiving, ratchetKey: ratchet.remoteKey }];
}

/**
 * The state without header keys of chains of which nothing is missing any more; and without the oldest beyond the limit, together with the
 * message keys that nothing could open any more.
 */
export function dropExcess(
  state: TripleRatchetState,
  limit = Number.POSITIVE_INFINITY,
): { readonly next: TripleRatchetState; readonly dropped: readonly SkippedKeyId[] } {
  const needed = state.headerKeys.earlier.filter((earlier) => hasSkipped(state, earlier));
  const excess = needed.slice(0, Math.max(0, needed.length - limit));
  const dropped = [...listSkippedKeys(state.ratchet.skipped)].filter(({ key }) =>
    excess.some(({ ratchetKey }) => compareBytes(ratchetKey, key) === 0),
  );
  if (needed.length === state.headerKeys.earlier.length && excess.length === 0)
    return { next: state, dropped };
  const earlier = needed.slice(excess.length);
  return {
    next: new TripleRatchetState({
      ...state,
      ratchet: withoutDhKeys(state.ratchet, dropped),
      headerKeys: { ...state.headerKeys, earlier },
    }),
    dropped,
  };
}

function hasSkipped(state: TripleRatchetState, { ratchetKey }: EarlierHeaderKey): boolean {
  return state.ratchet.skipped.some(({ key }) => compareBytes(key, ratchetKey) === 0);
}
