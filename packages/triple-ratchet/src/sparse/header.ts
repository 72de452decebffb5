import { parseBytes, SottoError } from '@sotto/core';
import { MAX_COUNTER } from '@sotto/double-ratchet';
import { ALL_CHUNKS, CHUNK_COUNT, type ChunkedKind, type ChunkSet, chunkLength } from './chunks.js';

/** What a message carries of the exchange in progress. */
export type SparsePart =
  /** A chunk of an encapsulation key or of a ciphertext, 148 bytes or, the last of a ciphertext, 52. */
  | { readonly kind: ChunkedKind; readonly index: number; readonly bytes: Uint8Array }
  /** Which chunks of what the other side sends are here. */
  | { readonly kind: 'have'; readonly chunks: ChunkSet };

/** What goes with each message. Not secret; the message authenticates it. */
export interface SparseHeader {
  /** The exchange that the sender is in, from 1. The message's key is from the secret of the exchange before. */
  readonly epoch: number;
  /** Number of the message among the sender's of this epoch, from 0. */
  readonly n: number;
  /** How many messages the sender sent in its previous epoch. */
  readonly pn: number;
  /** What it carries of the exchange. */
  readonly part: SparsePart;
}

/**
 * Checks a header from outside.
 * @throws RATCHET_MALFORMED, INVALID_ARGUMENT
 */
export function checkSparseHeader({ epoch, n, pn, part }: SparseHeader): void {
  requireInteger(epoch, 1, MAX_COUNTER, 'epoch');
  requireInteger(n, 0, MAX_COUNTER, 'message number');
  requireInteger(pn, 0, MAX_COUNTER, 'message number');
  if (part.kind === 'have') {
    requireInteger(part.chunks, 0, ALL_CHUNKS, 'set of chunks');
    return;
  }
  requireInteger(part.index, 0, CHUNK_COUNT - 1, 'chunk');
  if (parseBytes(part.bytes, 'chunk').length !== chunkLength(part.kind, part.index)) {
    throw malformed('chunk of another length');
  }
}

function requireInteger(value: number, least: number, most: number, what: string): void {
  if (!Number.isInteger(value) || value < least || value > most) throw malformed(`${what} out of range`);
}

function malformed(reason: string): SottoError {
  return new SottoError('RATCHET_MALFORMED', `The header of the sparse ratchet is malformed: ${reason}.`, {
    reason,
  });
}
