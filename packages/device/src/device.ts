import type { InstallationId, PublicKey } from '@sotto/core';
import type { Bundle } from '@sotto/protocol-codec';
import type { VerifiedBundle } from '@sotto/x3dh';
import type { DecryptOptions, DecryptOutcome } from './decryption.js';
import type { EncryptedMessage } from './encryption.js';
import type { SweepPosition } from './expiry.js';
import type { BundleNews } from './peers.js';
import type { Remedy } from './remedy.js';
import type { MessageRequest } from './requests.js';
import type { ReadTransaction, Transaction, Transactions } from './storage/transaction.js';

/** A device of an identity, as the application sees it. */
export interface DeviceInfo {
  /** Names the device among those of its identity. */
  readonly installationId: string;
  /** Messages go to it. */
  readonly enabled: boolean;
  /** Version of its signed prekey; 0 while no bundle named it. */
  readonly preKeyVersion: number;
  /** 1 or more: understands negotiated topics. */
  readonly protocolVersion: number;
  /** Its last activity, milliseconds since the epoch by its own clock; 0 when unknown. */
  readonly lastActiveAt: number;
  /** The name that the user gave it. */
  readonly name: string;
  /** What the application keeps with it. */
  readonly metadata: ReadonlyMap<string, string>;
}

/**
 * One device of one identity: everything between a payload and a ProtocolMessage, over a store and without a
 * transport. `Messenger` is built on it; use it alone when you move the messages yourself.
 *
 * Each method works within a transaction: `device.transaction((tx) => device.encryptDirect(tx, ...))`. What it did is stored
 * when that resolves, all of it or nothing; hand out its result only then. Identities are public keys, 33 bytes, compressed
 * SEC1. Bytes given are borrowed until the transaction is stored; those that come back are the caller's.
 */
export interface Device extends Transactions {
  /** 33 bytes, compressed SEC1. */
  readonly identity: PublicKey;
  /** Names this device among those of its identity. */
  readonly installationId: InstallationId;

  // Our bundle

  /**
   * Our bundle: this device with its signed prekey in use, and its paired devices. Rotates nothing: a transaction that
   * publishes it calls {@link rotatePreKeyIfDue} first.
   */
  bundle(tx: ReadTransaction): Promise<VerifiedBundle>;

  /** Our bundle as a text to hand to people: `base64(JSON(Bundle))`. */
  contactCode(tx: ReadTransaction): Promise<string>;

  /** Our signed prekey in use, however old: its public key, 33 bytes, and version. */
  currentPreKey(tx: ReadTransaction): Promise<{ readonly publicKey: Uint8Array; readonly version: number }>;

  /** Milliseconds until our signed prekey is due to be rotated; 0 when it is. */
  timeUntilRotation(tx: ReadTransaction): Promise<number>;

  /**
   * Rotates our signed prekey when it is over its lifetime, or was made at a time that has not come yet. What encrypts here
   * does so by itself; call it before {@link bundle} when you publish that. Wire profile, section 2.
   * @returns whether it was rotated
   */
  rotatePreKeyIfDue(tx: Transaction): Promise<boolean>;

  /** Rotates our signed prekey before its time, unless it is new. @returns whether it was rotated */
  renewPreKey(tx: Transaction): Promise<boolean>;

  /**
   * From now on this is called after each commit that rotated our signed prekey: the bundle has to be published anew.
   * Replaces what was to be called before.
   */
  onPreKeyRotated(publish: () => unknown): void;

  // Messages

  /**
   * Takes a bundle that the application got, in a contact code for instance: its identity is no stranger any more. Bundles
   * that come with messages are taken by {@link decrypt}.
   * @throws BUNDLE_SIGNATURE_INVALID, BUNDLE_IMPLAUSIBLE
   */
  processBundle(tx: Transaction, bundle: Bundle): Promise<BundleNews>;

  /**
   * Encrypts for the active devices of an identity, or of our own for our other devices.
   * @throws NO_DEVICE_REACHED
   */
  encryptDirect(tx: Transaction, to: PublicKey, payload: Uint8Array): Promise<EncryptedMessage>;

  /** Encrypts to the identity key alone, as the automatic answer to an unknown device has it. */
  encryptDh(tx: Transaction, to: PublicKey, payload: Uint8Array): Promise<EncryptedMessage>;

  /**
   * A message that anybody can read, with our bundle; without a payload the bundle alone. Signed anew each time,
   * so that two equal payloads are two messages.
   */
  encodePublic(tx: Transaction, payload?: Uint8Array): Promise<Uint8Array>;

  /**
   * Opens a ProtocolMessage from a sender that the transport vouches for.
   * @throws DUPLICATE_MESSAGE, MESSAGE_TOO_OLD, MALFORMED_MESSAGE, LIMIT_EXCEEDED, BUNDLE_SIGNATURE_INVALID,
   *   AUTHENTICATION_FAILED, INVALID_PUBLIC_KEY and the RATCHET codes
   */
  decrypt(
    tx: Transaction,
    from: PublicKey,
    message: Uint8Array,
    options?: DecryptOptions,
  ): Promise<DecryptOutcome>;

  /** What to do about a message of an authentic sender that {@link decrypt} refused. @throws MALFORMED_MESSAGE */
  remedyFor(tx: ReadTransaction, from: PublicKey, message: Uint8Array): Promise<Remedy>;

  /** The secret behind the topic negotiated with an identity, 32 bytes. Wire profile, section 6. */
  negotiatedSecret(identity: PublicKey): Uint8Array;

  // Devices

  /** What is known of an identity's devices; of our own, the other ones. */
  devices(tx: ReadTransaction, identity: PublicKey): Promise<readonly DeviceInfo[]>;

  /** Whether another device of our identity is active: one that gets copies of what we send. */
  hasPairedDevices(tx: ReadTransaction): Promise<boolean>;

  /**
   * Changes what the user decides about a device: an own device is paired with `enabled`, a name, metadata.
   * @throws NOT_FOUND
   */
  updateDevice(
    tx: Transaction,
    identity: PublicKey,
    installationId: string,
    change: Partial<Pick<DeviceInfo, 'enabled' | 'name' | 'metadata'>>,
  ): Promise<void>;

  /** Gives up the sessions with an identity's devices, or with one: the next message begins a new session. */
  resetSessions(tx: Transaction, identity: PublicKey, installationId?: string): Promise<void>;

  // People

  /** Whether the user has let an identity in; our own always is. */
  isAccepted(tx: ReadTransaction, identity: PublicKey): Promise<boolean>;

  /** The user lets an identity in: what is kept of it is no longer forgotten for others. */
  accept(tx: Transaction, identity: PublicKey): Promise<void>;

  /** Those who wrote to us and whom the user hasn't accepted yet, oldest first. */
  requests(tx: ReadTransaction): Promise<readonly MessageRequest[]>;

  /**
   * Counts a 1:1 message for the application, unless the user has let its sender in. See {@link MessageRequest}.
   * @param bytes of its payload
   * @returns whether the message made its sender a request
   * @throws LIMIT_EXCEEDED when the sender has written as much as is taken of a request
   */
  countRequest(tx: Transaction, identity: PublicKey, bytes: number): Promise<{ readonly isNew: boolean }>;

  /** Forgets a stranger with all that is kept of them. Does nothing for those whom the user has let in. */
  forgetStranger(tx: Transaction, identity: PublicKey): Promise<void>;

  // Upkeep

  /**
   * Deletes private prekeys whose grace is over and forgets messages that can't come any more, neither of them until our
   * clock has been right for a day, as far as that can be told. Then deletes message keys that are too old and idle
   * sessions, some in each transaction: call it again with what it gives, until that is `undefined`. Call it a few times a
   * day; opening a device does the first half of it.
   * @param time milliseconds since the epoch: keys and sessions that were too old then are deleted. Default: now, by our
   *   clock
   */
  deleteExpired(tx: Transaction, from?: SweepPosition, time?: number): Promise<SweepPosition>;

  /** Resolves when all transactions so far have ended, with what follows their commits. */
  settled(): Promise<void>;

  /** Waits for what is in progress and closes the store. */
  close(): Promise<void>;
}

/** What a messenger needs of its device beyond what others do. */
export interface MessengerDevice extends Device {
  /**
   * Remembers a public message of ours, so that it isn't taken for another device's when it comes back, after a backup was
   * restored for instance.
   */
  rememberSent(tx: Transaction, message: Uint8Array, channel: string): Promise<void>;

  /** Installation ids that a message to an identity goes to now. */
  activeInstallations(tx: ReadTransaction, identity: PublicKey): Promise<readonly string[]>;

  /** Whether we know an identity by more than what it sent of itself: the user has let it in, or we wrote to it. */
  isKnown(tx: ReadTransaction, identity: PublicKey): Promise<boolean>;

  /** Whether the user has compared safety numbers with an identity. */
  isVerified(tx: ReadTransaction, identity: PublicKey): Promise<boolean>;

  /** Notes whether the user has compared safety numbers with an identity. */
  setVerified(tx: Transaction, identity: PublicKey, verified: boolean): Promise<void>;

  /** The request of an identity; `undefined` when it didn't write, or was accepted. */
  request(tx: ReadTransaction, identity: PublicKey): Promise<MessageRequest | undefined>;

  /**
   * Counts an automatic answer with our bundle to an identity, if it may be given one: neither one identity nor strangers
   * all together are answered too often. From then on we subscribe to the topic negotiated with it.
   * @returns whether it may be given
   */
  countAnswer(tx: Transaction, identity: PublicKey): Promise<boolean>;

  /** Strangers to whose negotiated topic we subscribe. */
  answeredStrangers(tx: ReadTransaction): Promise<readonly PublicKey[]>;

  /**
   * A time that has certainly come, a day old at least, in milliseconds since the epoch; `undefined` while our clock has not
   * been right for a day, as far as that can be told.
   */
  certainTime(tx: Transaction): Promise<number | undefined>;
}
