import { copyBytes, encodeUtf8, parseBytes } from '@sotto/core';
import { type Bundle, bundleFromWire, bundleToWire } from './bundle.js';
import { checkWire } from './check-wire.js';
import { checkLimit, type DecodeOptions, limitsOf } from './decode-limits.js';
import { type DirectMessage, directMessageFromWire, directMessageToWire } from './direct-message.js';
import { ProtocolMessage as WireMessage } from './generated/sotto/secure_transport/v1/protocol_message.js';
import { sortByKey } from './sorted-map.js';
import { PROTOCOL_MESSAGE } from './wire-shapes.js';

/** The outermost message, which transports carry (wire profile, section 5). */
export interface ProtocolMessage {
  /** The sender's; empty when absent. */
  readonly installationId: string;
  /** The sender's bundles. Decoding appends the one of the deprecated field; encoding doesn't use that field. */
  readonly bundles: readonly Bundle[];
  /** By the recipient's installation id, or under `none` when the sender knew no bundle. */
  readonly directMessages: ReadonlyMap<string, DirectMessage>;
  /** Plaintext. Empty is the same as absent on the wire and is read as absent. */
  readonly publicMessage: Uint8Array | undefined;
}

/**
 * The ProtocolMessage, fresh. The encoding is deterministic: maps are in the byte order of their
 * keys.
 * @throws INVALID_ARGUMENT when a number is out of range for its type
 * @throws INVALID_TEXT when an installation id has a lone surrogate
 */
export function encodeProtocolMessage(message: ProtocolMessage): Uint8Array {
  // Only checked: the generated encoder would replace a lone surrogate by U+FFFD.
  encodeUtf8(message.installationId);
  const wire: WireMessage = {
    bundle: undefined,
    installationId: message.installationId,
    bundles: message.bundles.map(bundleToWire),
    directMessage: sortByKey(message.directMessages, directMessageToWire),
    publicMessage: parseBytes(message.publicMessage ?? new Uint8Array(), 'public message'),
  };
  return WireMessage.encode(wire).finish();
}

/**
 * Reads a ProtocolMessage. No bytes at all are an empty message. `bytes` are borrowed, the message shares
 * nothing with them.
 * @throws MALFORMED_MESSAGE, LIMIT_EXCEEDED, INVALID_ARGUMENT
 */
export function decodeProtocolMessage(bytes: Uint8Array, options?: DecodeOptions): ProtocolMessage {
  const limits = limitsOf(options);
  checkLimit('ProtocolMessage, bytes', parseBytes(bytes, 'ProtocolMessage').length, limits.maxMessageBytes);
  // A copy in our own realm and memory, which the TextDecoder of some engines requires.
  const own = copyBytes(bytes);
  checkWire(own, PROTOCOL_MESSAGE, limits);
  const wire = WireMessage.decode(own);
  const bundles = wire.bundle === undefined ? wire.bundles : [...wire.bundles, wire.bundle];
  checkLimit('bundles', bundles.length, limits.maxBundles);
  return {
    installationId: wire.installationId,
    bundles: bundles.map(bundleFromWire),
    directMessages: new Map(
      Array.from(wire.directMessage, ([id, message]) => [id, directMessageFromWire(message)]),
    ),
    publicMessage: wire.publicMessage.length === 0 ? undefined : new Uint8Array(wire.publicMessage),
  };
}
