import { type DecodeOptions, limitsOf } from './decode-limits.js';
import { WIRE_VARINT, WireCursor } from './wire-cursor.js';

/** Field 3: the bundles of a ProtocolMessage, or the type of an application's message. */
const TELLING_FIELD = 3;

/**
 * Whether bytes are an application's message without a ProtocolMessage around it, as clients of early 2020 send it to
 * public chats: its field 3 is a varint, where a ProtocolMessage has its bundles. Bytes that are neither are not bare.
 * Never throws. Wire profile, section 5.
 * @param bytes borrowed
 */
export function isBareMessage(bytes: Uint8Array, options?: DecodeOptions): boolean {
  const limits = limitsOf(options);
  if (bytes.length > limits.maxMessageBytes) return false;
  const cursor = new WireCursor({ bytes, limits, fields: 0 }, 0, bytes.length, 'message');
  let isBare = false;
  try {
    while (cursor.next()) {
      if (cursor.number === TELLING_FIELD) isBare = cursor.wireType === WIRE_VARINT;
    }
  } catch {
    return false;
  }
  return isBare;
}
