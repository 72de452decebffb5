import type { KeyPair, PublicKey } from '@sotto/core';
import type { SkippedKey, SkippedKeyChanges, SkippedKeyId } from '@sotto/double-ratchet';
import type { HybridHandshake, HybridPreKey } from '@sotto/protocol-codec';

/** The prekeys of a device for the hybrid suite, as it keeps them with a signed prekey. */
export interface HybridPreKeyPairs {
  /** Suites that the bundle offers with them, a byte each. */
  readonly suites: Uint8Array;
  /** 32 bytes. */
  readonly curve25519PublicKey: Uint8Array;
  /** 32 bytes; secret. */
  readonly curve25519PrivateKey: Uint8Array;
  /** ML-KEM-768 encapsulation key, 1184 bytes. */
  readonly kemPublicKey: Uint8Array;
  /** ML-KEM-768 seed `d || z`, 64 bytes; secret. */
  readonly kemSeed: Uint8Array;
}

/** One side of a handshake. */
export interface HandshakeParty {
  /** 33 bytes, compressed SEC1. */
  readonly identity: PublicKey;
  /** Names the device among those of its identity. */
  readonly installationId: string;
  /** `deviceDigest` of what its bundle says of the device, 32 bytes. */
  readonly deviceDigest: Uint8Array;
}

/** A session that was just begun or accepted. */
export interface HybridStart {
  /** State of the ratchet, encoded; secret. */
  readonly state: Uint8Array;
  /** 8 bytes, the same on both sides: of two sessions begun at once, the one with the lower is used. */
  readonly order: Uint8Array;
}

/** A header that a session could decrypt. */
export interface OpenedHeader {
  /** Keys that have to be read before the message can be decrypted: those kept for it, if it was skipped. */
  readonly wanted: readonly SkippedKeyId[];
}

/** The result of decrypting a message. */
export interface HybridDecrypted {
  /** The next state, encoded; secret. */
  readonly next: Uint8Array;
  /** Fresh. */
  readonly plaintext: Uint8Array;
  /** Message keys to keep and to delete together with the next state. */
  readonly keys: SkippedKeyChanges;
  /** Chains that were read completely, encoded; secret: a message of one is a repetition. */
  readonly ended: readonly Uint8Array[];
}

/**
 * PQXDH and the Triple Ratchet as a device uses them: states are bytes that it keeps and never changes. `createHybridSuite` of
 * `@sotto/device/hybrid` makes one. Pure but for the randomness.
 *
 * @typeParam H what it knows of an opened header
 */
export interface HybridSuite<H extends OpenedHeader = OpenedHeader> {
  /** Fresh prekeys for the hybrid suite; the caller keeps them with the signed prekey. */
  generatePreKeys(): HybridPreKeyPairs;

  /**
   * Begins a session as the initiator. The offer has its ML-KEM prekey.
   * @throws INVALID_PUBLIC_KEY when one of the prekeys is not valid
   */
  begin(input: {
    readonly identity: KeyPair;
    readonly from: HandshakeParty;
    readonly to: HandshakeParty;
    /** 33 bytes. */
    readonly signedPreKey: Uint8Array;
    readonly offer: HybridPreKey & { readonly kemPreKey: Uint8Array };
  }): HybridStart & { readonly handshake: HybridHandshake };

  /**
   * Accepts a session as the responder. Proves nothing about the initiator until a message has authenticated.
   * @throws INVALID_PUBLIC_KEY, INVALID_LENGTH for what the handshake has
   */
  accept(input: {
    readonly identity: KeyPair;
    readonly from: Omit<HandshakeParty, 'deviceDigest'>;
    readonly to: HandshakeParty;
    readonly signedPreKey: KeyPair;
    readonly preKeys: HybridPreKeyPairs;
    readonly handshake: HybridHandshake;
  }): HybridStart;

  /** Encrypts one message. @throws RATCHET_EXHAUSTED, INVALID_PUBLIC_KEY; STATE_CORRUPT */
  encrypt(
    state: Uint8Array,
    plaintext: Uint8Array,
  ): { readonly next: Uint8Array; readonly message: Uint8Array };

  /**
   * Decrypts the header of a message with the header keys of a session.
   * @returns `undefined` when it is not of this session
   * @throws RATCHET_MALFORMED; STATE_CORRUPT
   */
  openHeader(state: Uint8Array, message: Uint8Array): H | undefined;

  /** The number of a message in a chain that ended; `undefined` when it is of another one. @throws RATCHET_MALFORMED */
  numberInChain(ended: Uint8Array, message: Uint8Array): number | undefined;

  /**
   * Decrypts a message whose header was opened.
   * @param skipped the keys that {@link OpenedHeader.wanted} names, as far as they are kept
   * @throws the RATCHET codes, AUTHENTICATION_FAILED, STATE_CORRUPT
   */
  decrypt(opened: H, skipped: readonly SkippedKey[]): HybridDecrypted;

  /** The state without some of its skipped keys, whose records were deleted. @throws STATE_CORRUPT */
  withoutSkippedKeys(state: Uint8Array, ids: readonly SkippedKeyId[]): Uint8Array;

  /** Checks that a stored state can be read. @throws STATE_CORRUPT, STATE_VERSION_UNSUPPORTED */
  checkState(state: Uint8Array): void;
}
