import { compareBytes, concatBytes, copyBytes, type PublicKey } from '@sotto/core';
import { type Bundle, decodeBundle, encodeBundle } from '@sotto/protocol-codec';
import { malformedSeal } from './sealed-message.js';

const SIZE_LENGTH = 4;

/** What a session encrypts of a sealed message. */
export interface SessionContent {
  /** The sender's, which other messages have outside of the session. */
  readonly bundle: Bundle;
  readonly payload: Uint8Array;
}

/** `BE32(length) || Bundle || payload`. Wire profile, section 11. */
export function encodeSessionContent({ bundle, payload }: SessionContent): Uint8Array {
  const bytes = encodeBundle(bundle);
  const size = new Uint8Array(SIZE_LENGTH);
  new DataView(size.buffer).setUint32(0, bytes.length);
  return concatBytes(size, bytes, payload);
}

/**
 * Reads what {@link encodeSessionContent} wrote; shares nothing with `bytes`.
 * @param from the sender, whose bundle it has to be
 * @throws MALFORMED_MESSAGE, LIMIT_EXCEEDED
 */
export function decodeSessionContent(from: PublicKey, bytes: Uint8Array): SessionContent {
  if (bytes.length < SIZE_LENGTH) throw malformedSeal('no bundle in the session');
  const end = SIZE_LENGTH + new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  if (end > bytes.length) throw malformedSeal('a bundle longer than the message');
  const bundle = decodeBundle(bytes.subarray(SIZE_LENGTH, end));
  if (compareBytes(bundle.identity, from) !== 0) throw malformedSeal('a bundle of someone else');
  return { bundle, payload: copyBytes(bytes.subarray(end)) };
}
