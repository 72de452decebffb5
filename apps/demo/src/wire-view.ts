import { encodeHex } from '@sotto/core';
import { decodeProtocolMessage } from '@sotto/protocol-codec';

/** What anybody on the way could see of a message. */
export interface WireView {
  readonly kind: 'DH fallback' | 'X3DH' | 'ratchet' | 'public' | 'bundle only';
  /** The beginning of the sender's ratchet key: it names the chain. Empty outside of sessions. */
  readonly chain: string;
  /** The number within the chain. */
  readonly number: string;
}

/** Looks at a ProtocolMessage from outside. @throws MALFORMED_MESSAGE */
export function viewWire(message: Uint8Array): WireView {
  const { publicMessage, directMessages } = decodeProtocolMessage(message);
  const outside = { chain: '', number: '' };
  if (publicMessage !== undefined) return { kind: 'public', ...outside };
  const [entry] = directMessages.values();
  if (entry === undefined) return { kind: 'bundle only', ...outside };
  const { x3dhHeader, drHeader } = entry;
  if (drHeader === undefined) return { kind: 'DH fallback', ...outside };
  return {
    kind: x3dhHeader === undefined ? 'ratchet' : 'X3DH',
    chain: encodeHex(drHeader.key).slice(0, 10),
    number: String(drHeader.n),
  };
}
