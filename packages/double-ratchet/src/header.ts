import { copyBytes, parseBytes, SottoError } from '@sotto/core';

/** Largest counter in a header; 2^32 - 1 would leave no next number and is refused. */
export const MAX_COUNTER = 0xffff_fffe;

/** What travels in the clear with each message; authenticated. Double Ratchet specification, section 2. */
export interface RatchetHeader {
  /** The sender's current ratchet public key, see `RatchetSuite.publicKeyLength`. */
  readonly key: Uint8Array;
  /** Number of the message in its chain, from 0. */
  readonly n: number;
  /** Length of the sender's previous chain. */
  readonly pn: number;
}

/** A message of the ratchet. */
export interface RatchetMessage {
  /** What travels in the clear. */
  readonly header: RatchetHeader;
  /** `iv 16 || ciphertext || MAC 32`. */
  readonly body: Uint8Array;
}

/** `LE32(n) || LE32(pn) || ratchet public key`: the part of the header that the MAC covers. */
export function encodeHeader(header: RatchetHeader): Uint8Array {
  const bytes = new Uint8Array(8 + header.key.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, header.n, true);
  view.setUint32(4, header.pn, true);
  bytes.set(header.key, 8);
  return bytes;
}

/**
 * One message as one byte string, `header || body`, for protocols without a header format of their own.
 */
export function encodeMessage(message: RatchetMessage): Uint8Array {
  const header = encodeHeader(message.header);
  const bytes = new Uint8Array(header.length + message.body.length);
  bytes.set(header);
  bytes.set(message.body, header.length);
  return bytes;
}

/**
 * Reads what {@link encodeMessage} wrote. The header is fresh; the body, which may be large, is a view of the bytes given.
 * @throws RATCHET_MALFORMED when it is shorter than a header
 */
export function decodeMessage(bytes: Uint8Array, publicKeyLength: number): RatchetMessage {
  const headerLength = 8 + publicKeyLength;
  if (parseBytes(bytes, 'ratchet message').length < headerLength) {
    throw new SottoError('RATCHET_MALFORMED', 'The message is shorter than its header.', {
      reason: `${bytes.length} bytes, the header alone has ${headerLength}`,
    });
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, headerLength);
  return {
    header: {
      key: copyBytes(bytes.subarray(8, headerLength)),
      n: view.getUint32(0, true),
      pn: view.getUint32(4, true),
    },
    body: bytes.subarray(headerLength),
  };
}
