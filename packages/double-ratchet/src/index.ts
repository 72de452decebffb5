export { messageKeyOf, nextChainKey } from './chain-key.js';
export { type Decrypted, type DecryptOptions, decrypt } from './decrypt.js';
export { type Encrypted, encrypt } from './encrypt.js';
export { withoutSkippedKeys } from './forget-skipped-keys.js';
export {
  decodeMessage,
  encodeHeader,
  encodeMessage,
  MAX_COUNTER,
  type RatchetHeader,
  type RatchetMessage,
} from './header.js';
export { DEFAULT_LIMITS, type RatchetLimits } from './limits.js';
export { BODY_OVERHEAD } from './message-cipher.js';
export { skippedKeyFor } from './receive-key.js';
export { decodeState, encodeState } from './serialization.js';
export {
  countSkippedKeys,
  listSkippedKeys,
  type SkippedKey,
  type SkippedKeyChanges,
  type SkippedKeyId,
  type SkippedKeyIndex,
  type SkippedRun,
} from './skipped-keys.js';
export { startInitiator, startResponder } from './start.js';
export { type Chain, type RatchetFields, RatchetState, type SendingSide } from './state.js';
export {
  curve25519Suite,
  type RatchetKeyPair,
  type RatchetSuite,
  type SuiteName,
  secp256k1Suite,
} from './suite.js';
