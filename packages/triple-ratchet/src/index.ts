export { type Decrypted, type DecryptOptions, decrypt } from './decrypt.js';
export { type Encrypted, encrypt } from './encrypt.js';
export type { TripleRatchetHeader } from './header.js';
export { DEFAULT_TRIPLE_LIMITS, type TripleRatchetLimits } from './limits.js';
export {
  numberInChain,
  type OpenedMessage,
  type ReceivedChain,
  receivedChains,
  skippedKeysFor,
  tryHeader,
} from './open-header.js';
export type { TripleRatchetProvider } from './provider.js';
export { decodeState, encodeState } from './serialization.js';
export { listSkippedKeys, withoutSkippedKeys } from './skipped-keys.js';
export type { ChunkedKind, ChunkSet, Collected } from './sparse/chunks.js';
export type { SparseHeader, SparsePart } from './sparse/header.js';
export type { SparseExchange, SparseFields, SparseSide, SparseState } from './sparse/state.js';
export { type SessionSecrets, startInitiator, startResponder } from './start.js';
export {
  type EarlierHeaderKey,
  type HeaderKeys,
  type TripleRatchetFields,
  TripleRatchetState,
} from './state.js';
