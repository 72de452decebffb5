import { copyBytes, ML_KEM_768_CIPHERTEXT_LENGTH, ML_KEM_768_ENCAPSULATION_KEY_LENGTH } from '@sotto/core';

/**
 * Bytes of an encapsulation key or ciphertext that one message carries. An encapsulation key is then eight chunks, and so is a
 * ciphertext: which of them somebody has fits into one byte.
 */
export const CHUNK_LENGTH = 148;

/** Chunks of an encapsulation key, and of a ciphertext. */
export const CHUNK_COUNT = 8;

/** A set of chunks, one bit for each, the lowest for chunk 0. */
export type ChunkSet = number;

/** The set of all chunks. */
export const ALL_CHUNKS: ChunkSet = 0xff;

/** What is sent in chunks. */
export type ChunkedKind = 'key' | 'ciphertext';

const LENGTHS: Readonly<Record<ChunkedKind, number>> = {
  key: ML_KEM_768_ENCAPSULATION_KEY_LENGTH,
  ciphertext: ML_KEM_768_CIPHERTEXT_LENGTH,
};

/** Chunks that have come. Immutable. */
export interface Collected {
  /** Which. */
  readonly have: ChunkSet;
  /** The whole, with zeros where chunks are missing. */
  readonly bytes: Uint8Array;
}

/** Bytes of one chunk: the last one of a ciphertext is shorter. */
export function chunkLength(kind: ChunkedKind, index: number): number {
  return Math.min(CHUNK_LENGTH, LENGTHS[kind] - index * CHUNK_LENGTH);
}

/** One chunk of the whole; fresh. */
export function chunkOf(kind: ChunkedKind, whole: Uint8Array, index: number): Uint8Array {
  const at = index * CHUNK_LENGTH;
  return copyBytes(whole.subarray(at, at + chunkLength(kind, index)));
}

/** The first chunk, from `cursor` on and around, that is not in the set; `undefined` when all are. */
export function nextChunk(acknowledged: ChunkSet, cursor: number): number | undefined {
  for (let step = 0; step < CHUNK_COUNT; step++) {
    const index = (cursor + step) % CHUNK_COUNT;
    if (!hasChunk(acknowledged, index)) return index;
  }
  return undefined;
}

/** Whether the set has a chunk. */
export function hasChunk(set: ChunkSet, index: number): boolean {
  return (set & (1 << index)) !== 0;
}

/** Nothing, yet. */
export function nothingCollected(kind: ChunkedKind): Collected {
  return { have: 0, bytes: new Uint8Array(LENGTHS[kind]) };
}

/** With one chunk more; the same if it is there already, whatever its bytes. */
export function withChunk(collected: Collected, index: number, chunk: Uint8Array): Collected {
  if (hasChunk(collected.have, index)) return collected;
  const bytes = copyBytes(collected.bytes);
  bytes.set(chunk, index * CHUNK_LENGTH);
  return { have: collected.have | (1 << index), bytes };
}
