/**
 * The sparse post-quantum ratchet alone: keys and states, for protocols that mix its keys with those of a ratchet of their own.
 */
export {
  CHUNK_COUNT,
  CHUNK_LENGTH,
  type ChunkedKind,
  type ChunkSet,
  type Collected,
} from './sparse/chunks.js';
export type { SparseHeader, SparsePart } from './sparse/header.js';
export {
  type SparseReceiveKey,
  type SparseReceiveOptions,
  sparseReceiveKey,
  sparseSkippedKeyFor,
} from './sparse/receive-key.js';
export { type SparseSendKey, sparseSendKey } from './sparse/send-key.js';
export { startSparse } from './sparse/start.js';
export { type SparseExchange, type SparseFields, type SparseSide, SparseState } from './sparse/state.js';
export { sparseTakePart } from './sparse/take-part.js';
