import type { InstallationId, KeyPair, PublicKey } from '@sotto/core';
import type { Bundle, SignedPreKey } from '@sotto/protocol-codec';
import type { VerifiedBundle } from '@sotto/x3dh';
import type { DecryptOptions, DecryptOutcome } from './decryption.js';
import type { EncryptedMessage, EncryptOptions } from './encryption.js';
import type { SweepPosition } from './expiry.js';
import type { BundleNews } from './peers.js';
import type { Remedy } from './remedy.js';
import type { MessageRequest } from './requests.js';
import type { ReadTransaction, Transaction, Transactions } from './storage/transaction.js';

/** A device of an identity, as applications see it. */
export interface DeviceInfo {
  /** Identifies the device among those of its identity. */
  readonly installationId: string;
  /** Whether messages are sent to it. */
  readonly enabled: boolean;
  /** Version of its signed prekey; 0 until a bundle names it. */
  readonly preKeyVersion: number;
  /** 0, or 1 and more when it understands negotiated topics. */
  readonly protocolVersion: number;
  /** Whether it offers the hybrid suite: sessions that are safe from an attacker with a quantum computer. */
  readonly isHybrid: boolean;
  /** Its last activity, milliseconds since the epoch by its own clock; 0 when unknown. */
  readonly lastActiveAt: number;
  /** The name that the user gave it. */
  readonly name: string;
  /** Data of the application. */
  readonly metadata: ReadonlyMap<string, string>;
}

/**
 * One device of one identity: everything between a payload and a ProtocolMessage, over a store and without a
 * transport. `Messenger` is built on it; use it alone when you move the messages yourself.
 *
 * Each method works within a transaction: `device.transaction((tx) => device.encryptDirect(tx, ...))`. Its effects are stored
 * atomically when that resolves; use its result only then. Identities are public keys, 33 bytes, compressed
 * SEC1. Bytes passed in are borrowed until the transaction is stored; bytes returned are the caller's.
 */
export interface Device extends Transactions {
  /** 33 bytes, compressed SEC1. */
  readonly identity: PublicKey;
  /** Identifies this device among those of its identity. */
  readonly installationId: InstallationId;

  // Our bundle

  /**
   * Our bundle: this device with its current signed prekey, and its paired devices. Rotates nothing: a transaction that
   * publishes it calls {@link rotatePreKeyIfDue} first.
   */
  bundle(tx: ReadTransaction): Promise<VerifiedBundle>;

  /** Our bundle as text to give to people: `base64(JSON(Bundle))`. */
  contactCode(tx: ReadTransaction): Promise<string>;

  /** Our current signed prekey, however old: its public key, 33 bytes, and version. */
  currentPreKey(tx: ReadTransaction): Promise<{ readonly publicKey: Uint8Array; readonly version: number }>;

  /** Milliseconds until our signed prekey is due to be rotated; 0 when it is. */
  timeUntilRotation(tx: ReadTransaction): Promise<number>;

  /**
   * Rotates our signed prekey when its lifetime is over, or its creation time is in the future. The encrypting methods do so
   * themselves; call it before {@link bundle} when you publish that. Wire profile, section 2.
   * @returns whether it was rotated
   */
  rotatePreKeyIfDue(tx: Transaction): Promise<boolean>;

  /** Rotates our signed prekey before its time, unless it is new. @returns whether it was rotated */
  renewPreKey(tx: Transaction): Promise<boolean>;

  /**
   * Sets the function called after each commit that rotated our signed prekey, when the bundle has to be published again.
   * Replaces the previous one.
   */
  onPreKeyRotated(publish: () => unknown): void;

  // Messages

  /**
   * Processes a bundle that the application received, in a contact code for instance: its identity is no longer a stranger.
   * {@link decrypt} processes the bundles in messages.
   * @throws BUNDLE_SIGNATURE_INVALID, BUNDLE_IMPLAUSIBLE
   */
  processBundle(tx: Transaction, bundle: Bundle): Promise<BundleNews>;

  /**
   * Encrypts for the active devices of an identity, or of our own for our other devices.
   * @throws NO_DEVICE_REACHED
   */
  encryptDirect(
    tx: Transaction,
    to: PublicKey,
    payload: Uint8Array,
    options?: EncryptOptions,
  ): Promise<EncryptedMessage>;

  /** Encrypts to the identity key alone, for the automatic answer to an unknown device. No forward secrecy. */
  encryptDh(tx: Transaction, to: PublicKey, payload: Uint8Array): Promise<EncryptedMessage>;

  /**
   * Makes a message that anyone can read, with our bundle; without a payload, the bundle alone. Signed anew each time, so
   * that two equal payloads are two messages.
   */
  encodePublic(tx: Transaction, payload?: Uint8Array): Promise<Uint8Array>;

  /**
   * Decrypts a ProtocolMessage from a sender that the transport has authenticated.
   * @throws DUPLICATE_MESSAGE, MESSAGE_TOO_OLD, MALFORMED_MESSAGE, LIMIT_EXCEEDED, BUNDLE_SIGNATURE_INVALID,
   *   AUTHENTICATION_FAILED, INVALID_PUBLIC_KEY and the RATCHET codes
   */
  decrypt(
    tx: Transaction,
    from: PublicKey,
    message: Uint8Array,
    options?: DecryptOptions,
  ): Promise<DecryptOutcome>;

  /**
   * The pseudonym that signs the envelope of a message which {@link encryptDirect} sealed, in place of our identity: fixed for a message,
   * and a new one each day. `undefined` for a message that isn't sealed. The caller borrows it. Wire profile, section 11.
   * @throws MALFORMED_MESSAGE for a damaged sealed message
   */
  sealingKey(to: PublicKey, message: Uint8Array): KeyPair | undefined;

  /** Whether a message is sealed. Borrowed. */
  isSealed(message: Uint8Array): boolean;

  /**
   * Who sent a sealed message that arrived on the topic negotiated with a peer: the peer or, from another device of ours, our own
   * identity; 33 bytes. A message by ourselves is for the peer, unless that is ourselves too. `undefined` when the message isn't sealed,
   * or `signer`, 33 bytes, isn't one of theirs.
   * @throws MALFORMED_MESSAGE for a damaged sealed message
   */
  sealedSender(peer: PublicKey, signer: PublicKey, message: Uint8Array): PublicKey | undefined;

  /** What to do about a message of an authenticated sender that {@link decrypt} refused. @throws MALFORMED_MESSAGE */
  remedyFor(tx: ReadTransaction, from: PublicKey, message: Uint8Array): Promise<Remedy>;

  /** The secret from which the topic negotiated with an identity is derived, 32 bytes. Wire profile, section 6. */
  negotiatedSecret(identity: PublicKey): Uint8Array;

  // Devices

  /** The known devices of an identity; for our own identity, the other devices. */
  devices(tx: ReadTransaction, identity: PublicKey): Promise<readonly DeviceInfo[]>;

  /** Whether another device of our identity is active: one that receives copies of what we send. */
  hasPairedDevices(tx: ReadTransaction): Promise<boolean>;

  /**
   * Changes the user's settings for a device: `enabled` (which pairs a device of ours), name and metadata.
   * @throws NOT_FOUND
   */
  updateDevice(
    tx: Transaction,
    identity: PublicKey,
    installationId: string,
    change: Partial<Pick<DeviceInfo, 'enabled' | 'name' | 'metadata'>>,
  ): Promise<void>;

  /** Resets the sessions with an identity's devices, or with one of them: the next message begins a new session. */
  resetSessions(tx: Transaction, identity: PublicKey, installationId?: string): Promise<void>;

  // People

  /** Whether the user has accepted an identity; our own always counts as accepted. */
  isAccepted(tx: ReadTransaction, identity: PublicKey): Promise<boolean>;

  /** Accepts an identity: its records are no longer evicted to make room for others. */
  accept(tx: Transaction, identity: PublicKey): Promise<void>;

  /** Identities that wrote to us and that the user hasn't accepted yet, oldest first. */
  requests(tx: ReadTransaction): Promise<readonly MessageRequest[]>;

  /**
   * Counts a 1:1 message unless the user has accepted its sender. See {@link MessageRequest}.
   * @param bytes of its payload
   * @returns whether the message made its sender a request
   * @throws LIMIT_EXCEEDED when the sender has reached the limits of a request
   */
  countRequest(tx: Transaction, identity: PublicKey, bytes: number): Promise<{ readonly isNew: boolean }>;

  /** Deletes everything stored about a stranger. Does nothing for identities that the user has accepted. */
  forgetStranger(tx: Transaction, identity: PublicKey): Promise<void>;

  // Upkeep

  /**
   * Deletes private prekeys whose grace period is over, and ids of messages too old to be accepted again; both only after our
   * clock has been consistent for a day. Then deletes expired message keys and idle sessions, some in each transaction: call
   * it again with what it returns, until that is `undefined`. Call it a few times a day; opening a device does the first
   * half of it.
   * @param time milliseconds since the epoch: keys and sessions that had expired by then are deleted. Default: now, by our
   *   clock
   */
  deleteExpired(tx: Transaction, from?: SweepPosition, time?: number): Promise<SweepPosition>;

  /** Resolves when all transactions so far and their commit hooks have ended. */
  settled(): Promise<void>;

  /** Waits for transactions in progress, and closes the store. */
  close(): Promise<void>;
}

/** A device with the additional members that a messenger needs. */
export interface MessengerDevice extends Device {
  /**
   * Our bundle for a place that keeps one bundle of an identity: with further devices of ours, by installation id, whether
   * paired or not, as far as there is room. Signed anew; rotates nothing.
   * @param after a timestamp, in nanoseconds since the epoch; that of the bundle is higher
   */
  bundleWith(
    tx: ReadTransaction,
    others: ReadonlyMap<string, SignedPreKey>,
    after: bigint,
  ): Promise<VerifiedBundle>;

  /**
   * Remembers a public message of ours, so that it isn't mistaken for one of another device when it is received again, for
   * instance after a backup was restored.
   */
  rememberSent(tx: Transaction, message: Uint8Array, channel: string): Promise<void>;

  /** Installation ids to which a message to an identity is sent now. */
  activeInstallations(tx: ReadTransaction, identity: PublicKey): Promise<readonly string[]>;

  /** How many times the store was found to be an old copy: what was sent since then may have been sent with the same keys. */
  storeEpoch(tx: ReadTransaction): Promise<number>;

  /** Whether an identity is more than a stranger: the user has accepted it, or we wrote to it. */
  isKnown(tx: ReadTransaction, identity: PublicKey): Promise<boolean>;

  /** Whether the user has compared safety numbers with an identity. */
  isVerified(tx: ReadTransaction, identity: PublicKey): Promise<boolean>;

  /** Notes whether the user has compared safety numbers with an identity. */
  setVerified(tx: Transaction, identity: PublicKey, verified: boolean): Promise<void>;

  /** The request of an identity; `undefined` when it didn't write or was accepted. */
  request(tx: ReadTransaction, identity: PublicKey): Promise<MessageRequest | undefined>;

  /**
   * Counts an automatic answer with our bundle to an identity, if the limits allow one: for each identity, and for all
   * strangers together. From then on we subscribe to the topic negotiated with it.
   * @returns whether it is allowed
   */
  countAnswer(tx: Transaction, identity: PublicKey): Promise<boolean>;

  /** Strangers to whose negotiated topic we subscribe. */
  answeredStrangers(tx: ReadTransaction): Promise<readonly PublicKey[]>;

  /**
   * A trusted earlier reading of our clock, at least a day old, in milliseconds since the epoch; `undefined` until our clock
   * has been consistent for a day.
   */
  certainTime(tx: Transaction): Promise<number | undefined>;
}
