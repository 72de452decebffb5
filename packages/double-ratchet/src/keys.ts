/**
 * The ratchet without its messages: keys and states alone. An entry of its own, for protocols that seal in another way or mix in
 * keys from elsewhere; `encrypt` and `decrypt` are made of the same steps.
 */
export type { RatchetHeader } from './header.js';
export type { RatchetLimits } from './limits.js';
export { openBody, sealMessage } from './message-cipher.js';
export {
  type ReceiveKey,
  type ReceiveKeyOptions,
  ratchetReceiveKey,
  skippedKeyFor,
} from './receive-key.js';
export { ratchetSendKey, type SendKey } from './send-key.js';
export {
  evictSkippedKeys,
  hasSkippedKey,
  removeSkippedKey,
  type SkippedKey,
  type SkippedKeyChanges,
  type SkippedKeyId,
  type SkippedKeyIndex,
  type SkippedRun,
} from './skipped-keys.js';
export type { Chain, RatchetFields, RatchetState, SendingSide } from './state.js';
export { StateReader, StateWriter } from './state-bytes.js';
export type { RatchetKeyPair, RatchetSuite, SuiteName } from './suite.js';
