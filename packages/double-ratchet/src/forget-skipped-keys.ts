import { removeSkippedKey, type SkippedKeyId } from './skipped-keys.js';
import { RatchetState } from './state.js';

/**
 * The state without some skipped keys, which the caller has deleted, for example because of their age. Keys that the state
 * doesn't list are ignored.
 */
export function withoutSkippedKeys(state: RatchetState, ids: Iterable<SkippedKeyId>): RatchetState {
  let { skipped } = state;
  for (const id of ids) skipped = removeSkippedKey(skipped, id);
  return skipped === state.skipped ? state : new RatchetState({ ...state, skipped });
}
