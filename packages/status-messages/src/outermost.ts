import { isBareMessage } from '@sotto/protocol-codec';
import { decodeSegment, type Segment } from './segmentation.js';

/** What an envelope's payload is, decided by its structure alone: then a failure of that layer is the message's failure. */
export type Outermost =
  /** A ProtocolMessage, for the encryption layer. */
  | { readonly kind: 'protocol-message' }
  /** A metadata message of a public chat, without a ProtocolMessage around it (2020). */
  | { readonly kind: 'bare' }
  /** A piece of a ProtocolMessage (2024). */
  | { readonly kind: 'segment'; readonly segment: Segment };

/**
 * Tells the outermost layer of a payload: a number in field 3 is a bare metadata message or, beside a field 4, a segment; bytes there
 * are the bundles of a ProtocolMessage.
 * @throws MALFORMED_MESSAGE for a segment with impossible numbers; LIMIT_EXCEEDED
 */
export function outermostOf(payload: Uint8Array): Outermost {
  const segment = decodeSegment(payload);
  if (segment !== undefined) return { kind: 'segment', segment };
  return { kind: isBareMessage(payload) ? 'bare' : 'protocol-message' };
}
