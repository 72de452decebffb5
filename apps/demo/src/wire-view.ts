import { encodeHex } from '@sotto/core';
import { decodeProtocolMessage } from '@sotto/protocol-codec';

/** What a message reveals to someone who has opened its envelope but not decrypted it. */
export interface WireView {
  readonly kind: 'DH fallback' | 'X3DH' | 'ratchet' | 'post-quantum' | 'sealed' | 'public' | 'bundle only';
  /** The start of the sender's ratchet key, which identifies the chain. Empty outside a session, and in post-quantum ones, which encrypt it. */
  readonly key: string;
  /** The number within the chain; empty likewise. */
  readonly number: string;
  /** Number of devices it is encrypted for; 1 where that can't be seen. Key and number are those of the first. */
  readonly devices: number;
}

/** Reads the unencrypted part of a ProtocolMessage. @throws MALFORMED_MESSAGE */
export function viewWire(message: Uint8Array): WireView {
  // Wire profile, section 11: not even the sender can be seen.
  if (message[0] === 0) return { kind: 'sealed', key: '', number: '', devices: 1 };
  const { publicMessage, directMessages } = decodeProtocolMessage(message);
  const outside = { key: '', number: '', devices: directMessages.size };
  if (publicMessage !== undefined) return { kind: 'public', ...outside };
  const [entry] = directMessages.values();
  if (entry === undefined) return { kind: 'bundle only', ...outside };
  const { x3dhHeader, drHeader, hybridHeader } = entry;
  if (hybridHeader !== undefined) return { kind: 'post-quantum', ...outside };
  if (drHeader === undefined) return { kind: 'DH fallback', ...outside };
  return {
    kind: x3dhHeader === undefined ? 'ratchet' : 'X3DH',
    key: encodeHex(drHeader.key).slice(0, 10),
    number: String(drHeader.n),
    devices: directMessages.size,
  };
}
