import type { DirectMessageProtocol } from './generated/sotto/secure_transport/v1/direct_message.js';
import { checkUint32 } from './integers.js';

/** The keys with which the sender started the session: the header of X3DH. */
export interface X3dhHeader {
  /** Ephemeral key of the initiator: 33 bytes, compressed SEC1, from an honest peer. */
  readonly key: Uint8Array;
  /** The recipient's prekey that was used: 33 bytes, compressed SEC1, from an honest peer. */
  readonly id: Uint8Array;
}

/** Header of a Double Ratchet message. */
export interface DrHeader {
  /** The sender's ratchet key: 33 bytes, compressed SEC1, from an honest peer. */
  readonly key: Uint8Array;
  /** A uint32: number of the message in its sending chain. */
  readonly n: number;
  /** A uint32: length of the previous sending chain. */
  readonly pn: number;
  /** The prekey with which the session was started: 33 bytes, compressed SEC1, from an honest peer. */
  readonly id: Uint8Array;
}

/** Header of a message that needs no bundle. */
export interface DhHeader {
  /** Ephemeral key of the sender: 33 bytes, compressed SEC1, from an honest peer. */
  readonly key: Uint8Array;
}

/**
 * A message to one device (wire profile, section 5). Honest peers send one of three shapes: `x3dhHeader` and
 * `drHeader` until they are answered, `drHeader` alone, or `dhHeader` alone. Other combinations can arrive, and the caller decides
 * which of them to refuse.
 */
export interface DirectMessage {
  /** Present until the peer has answered: what it needs to start the session. */
  readonly x3dhHeader?: X3dhHeader | undefined;
  /** Present if the payload is encrypted with the Double Ratchet. */
  readonly drHeader?: DrHeader | undefined;
  /** Present if the payload is encrypted with a key of a single Diffie-Hellman, for a peer whose bundle isn't known. */
  readonly dhHeader?: DhHeader | undefined;
  /** The ciphertext. */
  readonly payload: Uint8Array;
}

export function directMessageToWire(message: DirectMessage): DirectMessageProtocol {
  const { x3dhHeader, drHeader, dhHeader, payload } = message;
  if (drHeader !== undefined) {
    checkUint32('n of a ratchet header', drHeader.n);
    checkUint32('pn of a ratchet header', drHeader.pn);
  }
  return { x3dhHeader, drHeader, payload, dhHeader };
}

/** Copies, since the generated decoder returns views of its input. */
export function directMessageFromWire(wire: DirectMessageProtocol): DirectMessage {
  const { x3dhHeader, drHeader, dhHeader, payload } = wire;
  return {
    ...(x3dhHeader && {
      x3dhHeader: { key: new Uint8Array(x3dhHeader.key), id: new Uint8Array(x3dhHeader.id) },
    }),
    ...(drHeader && {
      drHeader: {
        key: new Uint8Array(drHeader.key),
        n: drHeader.n,
        pn: drHeader.pn,
        id: new Uint8Array(drHeader.id),
      },
    }),
    ...(dhHeader && { dhHeader: { key: new Uint8Array(dhHeader.key) } }),
    payload: new Uint8Array(payload),
  };
}
