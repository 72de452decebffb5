import { copyBytes, parseBytes } from '@sotto/core';
import { checkWire } from './check-wire.js';
import { type DecodeOptions, limitsOf } from './decode-limits.js';
import {
  type DirectMessageProtocol,
  HybridHandshake as WireHybridHandshake,
  type HybridHeader as WireHybridHeader,
} from './generated/sotto/secure_transport/v1/direct_message.js';
import { checkUint32 } from './integers.js';
import { HYBRID_HANDSHAKE } from './wire-shapes.js';

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

/** How the sender began a session of a suite with post-quantum keys. */
export interface HybridHandshake {
  /** Number of the suite, a uint32: 2 for PQXDH and the Triple Ratchet. */
  readonly suite: number;
  /** Ephemeral key of the initiator on secp256k1: 33 bytes, compressed SEC1, from an honest peer. */
  readonly key: Uint8Array;
  /** Ephemeral key of the initiator on Curve25519: 32 bytes, from an honest peer. */
  readonly curve25519Key: Uint8Array;
  /** Encapsulated for the recipient's ML-KEM-768 prekey: 1088 bytes, from an honest peer. */
  readonly kemCiphertext: Uint8Array;
  /** The recipient's signed prekey, 33 bytes from an honest peer: names the device's prekeys that were used. */
  readonly id: Uint8Array;
  /** Digest of what the initiator's bundle says of its device: 32 bytes, from an honest peer. */
  readonly deviceDigest: Uint8Array;
}

/** What goes beside a message in a session of a suite with post-quantum keys, whose ratchet header is encrypted. */
export interface HybridHeader {
  /** Present until the peer has answered: what it needs to start the session. */
  readonly handshake?: HybridHandshake | undefined;
  /** A uint32: version of the recipient's prekey whose ML-KEM key the sender has; 0 for none. */
  readonly knownVersion: number;
}

/**
 * A message to one device (wire profile, section 5). Honest peers send one of four shapes: `x3dhHeader` and
 * `drHeader` until they are answered, `drHeader` alone, `dhHeader` alone, or `hybridHeader` alone (section 10). Other combinations can arrive, and the caller decides
 * which of them to refuse.
 */
export interface DirectMessage {
  /** Present until the peer has answered: what it needs to start the session. */
  readonly x3dhHeader?: X3dhHeader | undefined;
  /** Present if the payload is encrypted with the Double Ratchet. */
  readonly drHeader?: DrHeader | undefined;
  /** Present if the payload is encrypted with a key of a single Diffie-Hellman, for a peer whose bundle isn't known. */
  readonly dhHeader?: DhHeader | undefined;
  /** Present if the payload is encrypted in a session of a suite with post-quantum keys. */
  readonly hybridHeader?: HybridHeader | undefined;
  /** The ciphertext. */
  readonly payload: Uint8Array;
}

export function directMessageToWire(message: DirectMessage): DirectMessageProtocol {
  const { x3dhHeader, drHeader, dhHeader, hybridHeader, payload } = message;
  if (drHeader !== undefined) {
    checkUint32('n of a ratchet header', drHeader.n);
    checkUint32('pn of a ratchet header', drHeader.pn);
  }
  if (hybridHeader !== undefined) {
    checkUint32('known version of a hybrid header', hybridHeader.knownVersion);
    if (hybridHeader.handshake) checkUint32('suite of a handshake', hybridHeader.handshake.suite);
  }
  return {
    x3dhHeader,
    drHeader,
    payload,
    dhHeader,
    hybridHeader: hybridHeader && { ...hybridHeader, handshake: hybridHeader.handshake },
  };
}

/** Copies, since the generated decoder returns views of its input. */
export function directMessageFromWire(wire: DirectMessageProtocol): DirectMessage {
  const { x3dhHeader, drHeader, dhHeader, hybridHeader, payload } = wire;
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
    ...(hybridHeader && { hybridHeader: hybridHeaderFromWire(hybridHeader) }),
    payload: new Uint8Array(payload),
  };
}

function hybridHeaderFromWire({ handshake, knownVersion }: WireHybridHeader): HybridHeader {
  return {
    ...(handshake && { handshake: handshakeFromWire(handshake) }),
    knownVersion,
  };
}

function handshakeFromWire(wire: WireHybridHandshake): HybridHandshake {
  return {
    suite: wire.suite,
    key: new Uint8Array(wire.key),
    curve25519Key: new Uint8Array(wire.curve25519Key),
    kemCiphertext: new Uint8Array(wire.kemCiphertext),
    id: new Uint8Array(wire.id),
    deviceDigest: new Uint8Array(wire.deviceDigest),
  };
}

/** A handshake alone, for a sender to keep while it repeats it; fresh. @throws INVALID_ARGUMENT when the suite is not a uint32 */
export function encodeHybridHandshake(handshake: HybridHandshake): Uint8Array {
  checkUint32('suite of a handshake', handshake.suite);
  return WireHybridHandshake.encode(handshake).finish();
}

/**
 * Reads what {@link encodeHybridHandshake} returned. `bytes` are borrowed, the handshake shares nothing with them.
 * @throws MALFORMED_MESSAGE, LIMIT_EXCEEDED, INVALID_ARGUMENT
 */
export function decodeHybridHandshake(bytes: Uint8Array, options?: DecodeOptions): HybridHandshake {
  const own = copyBytes(parseBytes(bytes, 'handshake'));
  checkWire(own, HYBRID_HANDSHAKE, limitsOf(options));
  return handshakeFromWire(WireHybridHandshake.decode(own));
}
