import { encodeHex } from '@sotto/core';
import { decodeProtocolMessage } from '@sotto/protocol-codec';

/** What a message is, to someone who has opened its envelope and nothing more. */
export interface WireView {
  readonly kind: 'DH fallback' | 'X3DH' | 'ratchet' | 'public' | 'bundle only';
  /** The beginning of the sender's ratchet key, which names the chain. Empty outside of sessions. */
  readonly key: string;
  /** The number within the chain; empty outside of sessions. */
  readonly number: string;
  /** How many devices it is encrypted for, each on its own; key and number are those of the first. */
  readonly devices: number;
}

/** Looks at a ProtocolMessage from outside. @throws MALFORMED_MESSAGE */
export function viewWire(message: Uint8Array): WireView {
  const { publicMessage, directMessages } = decodeProtocolMessage(message);
  const outside = { key: '', number: '', devices: directMessages.size };
  if (publicMessage !== undefined) return { kind: 'public', ...outside };
  const [entry] = directMessages.values();
  if (entry === undefined) return { kind: 'bundle only', ...outside };
  const { x3dhHeader, drHeader } = entry;
  if (drHeader === undefined) return { kind: 'DH fallback', ...outside };
  return {
    kind: x3dhHeader === undefined ? 'ratchet' : 'X3DH',
    key: encodeHex(drHeader.key).slice(0, 10),
    number: String(drHeader.n),
    devices: directMessages.size,
  };
}
