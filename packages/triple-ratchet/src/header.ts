import { copyBytes, SottoError } from '@sotto/core';
import type { RatchetHeader } from '@sotto/double-ratchet';
import { writeU32 } from './big-endian.js';
import { CHUNK_COUNT } from './sparse/chunks.js';
import { checkSparseHeader, type SparseHeader, type SparsePart } from './sparse/header.js';

/** What a message says of itself; encrypted, so that nobody but the peer sees more of it than its length. */
export interface TripleRatchetHeader {
  /** Of the DH ratchet: ratchet key 32 bytes, n, pn. */
  readonly ratchet: RatchetHeader;
  /** Of the post-quantum ratchet. */
  readonly sparse: SparseHeader;
}

const KEY_LENGTH = 32;
const FIXED_LENGTH = KEY_LENGTH + 5 * 4 + 1;
/** Tags 0 to 7 are chunks of a key, 8 to 15 of a ciphertext. */
const HAVE_TAG = 2 * CHUNK_COUNT;

/**
 * `ratchet key 32 || BE32(n) || BE32(pn) || BE32(epoch) || BE32(n in the epoch) || BE32(pn of the epoch) || tag 1 || content`.
 * Tags 0 to 7: a chunk of the encapsulation key, 148 bytes. Tags 8 to 15: of the ciphertext, 148 bytes, the last one 52. Tag 16: one
 * byte, a bit for each chunk that the sender has, the lowest for the first.
 */
export function encodeTripleHeader({ ratchet, sparse }: TripleRatchetHeader): Uint8Array {
  const { part } = sparse;
  const bytes = new Uint8Array(FIXED_LENGTH + (part.kind === 'have' ? 1 : part.bytes.length));
  bytes.set(ratchet.key);
  writeU32(bytes, KEY_LENGTH, ratchet.n);
  writeU32(bytes, KEY_LENGTH + 4, ratchet.pn);
  writeU32(bytes, KEY_LENGTH + 8, sparse.epoch);
  writeU32(bytes, KEY_LENGTH + 12, sparse.n);
  writeU32(bytes, KEY_LENGTH + 16, sparse.pn);
  bytes[FIXED_LENGTH - 1] = tagOf(part);
  if (part.kind === 'have') bytes[FIXED_LENGTH] = part.chunks;
  else bytes.set(part.bytes, FIXED_LENGTH);
  return bytes;
}

/**
 * Reads what {@link encodeTripleHeader} wrote; fresh.
 * @throws RATCHET_MALFORMED
 */
export function decodeTripleHeader(bytes: Uint8Array): TripleRatchetHeader {
  if (bytes.length <= FIXED_LENGTH) throw malformed('it is too short');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const counter = (index: number) => view.getUint32(KEY_LENGTH + 4 * index);
  const header: TripleRatchetHeader = {
    ratchet: { key: copyBytes(bytes.subarray(0, KEY_LENGTH)), n: counter(0), pn: counter(1) },
    sparse: {
      epoch: counter(2),
      n: counter(3),
      pn: counter(4),
      part: partOf(bytes[FIXED_LENGTH - 1] as number, copyBytes(bytes.subarray(FIXED_LENGTH))),
    },
  };
  checkSparseHeader(header.sparse);
  return header;
}

function tagOf(part: SparsePart): number {
  if (part.kind === 'have') return HAVE_TAG;
  return part.kind === 'key' ? part.index : CHUNK_COUNT + part.index;
}

function partOf(tag: number, content: Uint8Array): SparsePart {
  if (tag > HAVE_TAG) throw malformed('unknown tag');
  if (tag < HAVE_TAG) {
    return tag < CHUNK_COUNT
      ? { kind: 'key', index: tag, bytes: content }
      : { kind: 'ciphertext', index: tag - CHUNK_COUNT, bytes: content };
  }
  if (content.length !== 1) throw malformed('it has another length than its tag says');
  return { kind: 'have', chunks: content[0] as number };
}

function malformed(reason: string): SottoError {
  return new SottoError('RATCHET_MALFORMED', `The message's header is malformed: ${reason}.`, { reason });
}
