import { SottoError } from '@sotto/core';
import { compressSync, uncompressSync } from 'snappy';

/** Compresses with Snappy, without framing, as devp2p does. Returns fresh bytes. */
export function compress(bytes: Uint8Array): Uint8Array {
  return plain(compressSync(bytes));
}

/**
 * Undoes {@link compress}.
 * @throws LIMIT_EXCEEDED before anything is allocated; MALFORMED_MESSAGE
 */
export function uncompress(bytes: Uint8Array, most: number): Uint8Array {
  const length = announcedLength(bytes);
  if (length > most) {
    throw new SottoError('LIMIT_EXCEEDED', 'Too long, once uncompressed.', {
      what: 'bytes, uncompressed',
      limit: most,
      actual: length,
    });
  }
  try {
    return plain(uncompressSync(bytes, { asBuffer: true }) as Uint8Array);
  } catch {
    throw malformed('it cannot be uncompressed');
  }
}

/** The announced length: a little-endian varint below 2^32. */
function announcedLength(bytes: Uint8Array): number {
  let length = 0;
  for (let i = 0; i < 5; i++) {
    const byte = bytes[i];
    if (byte === undefined) throw malformed('it is cut off');
    length += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return length;
  }
  throw malformed('its length is not a 32-bit integer');
}

/** As a Uint8Array, not a Buffer, whose methods differ. */
function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function malformed(reason: string): SottoError<'MALFORMED_MESSAGE'> {
  return new SottoError('MALFORMED_MESSAGE', `Not valid Snappy: ${reason}.`, { what: 'snappy', reason });
}
