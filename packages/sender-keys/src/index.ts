export type { ChainContext } from './chain-context.js';
export { DEFAULT_SENDER_KEY_LIMITS, MAX_INDEX, type SenderKeyLimits } from './limits.js';
export {
  type Decrypted,
  type DecryptOptions,
  decrypt,
  isSigned,
  isSkipped,
  MemberChain,
  type MemberChainFields,
  resumeMemberChain,
  startMemberChain,
} from './member-chain.js';
export { decodeMessage, encodeMessage, MESSAGE_OVERHEAD, type SenderKeyMessage } from './message.js';
export {
  type Encrypted,
  encrypt,
  OwnChain,
  type OwnChainFields,
  senderKeyOf,
  startOwnChain,
} from './own-chain.js';
export { decodeSenderKey, encodeSenderKey, SenderKey, type SenderKeyFields } from './sender-key.js';
export { decodeMemberChain, decodeOwnChain, encodeMemberChain, encodeOwnChain } from './serialization.js';
export {
  countSkipped,
  listSkipped,
  type SkippedKey,
  type SkippedKeyChanges,
  type SkippedRun,
} from './skipped-keys.js';
