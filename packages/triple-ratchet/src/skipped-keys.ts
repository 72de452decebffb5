import {
  listSkippedKeys as listOf,
  type SkippedKeyId,
  withoutSkippedKeys as withoutDhKeys,
} from '@sotto/double-ratchet';
import { removeSkippedKey } from '@sotto/double-ratchet/keys';
import { dropExcess } from './header-keys.js';
import { SparseState } from './sparse/state.js';
import { TripleRatchetState } from './state.js';

/** Every message key that is kept for the session, of both ratchets. For deleting a session. */
export function* listSkippedKeys(state: TripleRatchetState): Generator<SkippedKeyId> {
  yield* listOf(state.ratchet.skipped);
  yield* listOf(state.sparse.skipped);
}

/**
 * The state without some skipped keys, which the caller has deleted, for example because of their age. Keys that the state
 * doesn't list are ignored.
 */
export function withoutSkippedKeys(
  state: TripleRatchetState,
  ids: Iterable<SkippedKeyId>,
): TripleRatchetState {
  const list = [...ids];
  const ratchet = withoutDhKeys(state.ratchet, list);
  const skipped = list.reduce(removeSkippedKey, state.sparse.skipped);
  if (ratchet === state.ratchet && skipped === state.sparse.skipped) return state;
  const sparse = new SparseState({ ...state.sparse, skipped });
  const without = new TripleRatchetState({ ...state, ratchet, sparse });
  return dropExcess(without).next;
}
