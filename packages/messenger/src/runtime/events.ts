import {
  type ClockSkew,
  compareBytes,
  errorName,
  type Logger,
  type PublicKey,
  type SottoError,
  type TransportStatus,
} from '@sotto/core';
import type { BundleNews, Protection, Transaction } from '@sotto/device';
import type { Conversation } from './conversation.js';
import type { CommitOptions } from './options.js';
import type { Contact, PinnedName } from './results.js';

/** A message for the application. */
export interface ReceivedMessage {
  /**
   * Id: KECCAK-256 of sender, ProtocolMessage and, for a public chat, its name. 64 hex digits; the same on every device.
   */
  readonly id: string;
  /** 33 bytes, authenticated by the transport. */
  readonly sender: PublicKey;
  /** The sender's installation id; empty when the message names none. */
  readonly senderInstallation: string;
  /**
   * How it was protected: `pq` with forward secrecy and post-quantum keys, `dr` with forward secrecy, `dh` without, `public` readable
   * by anyone.
   */
  readonly protection: Protection;
  /**
   * Whether only its session told who sent it: neither the envelope nor anything in it named the sender, to anybody but the two
   * identities. Only with `pq`.
   */
  readonly sealedSender: boolean;
  /** Whether the user has verified the sender's identity. */
  readonly verified: boolean;
  /** Whether it is a 1:1 message of a sender whom the user hasn't accepted. */
  readonly request: boolean;
  /** The conversation it belongs to, and to which an answer is sent. */
  readonly conversation: Conversation;
  /** Whether another device of ours sent it. */
  readonly ownCopy: boolean;
  /** Membership that a group's message was sent under, 64 hex digits; compare with `Group.membershipHash`. */
  readonly membershipHash: string | undefined;
  /**
   * Whether its sender was no longer a member of the group when it arrived, and we had learnt that only shortly before
   * (`groupGraceMs`): it may have been sent earlier.
   */
  readonly late: boolean;
  /** The application's payload. A copy, which the application owns. */
  readonly payload: Uint8Array;
  /** When it was received, in milliseconds since the epoch by our clock. */
  readonly receivedAt: number;
  /** When it was sent, in milliseconds since the epoch, as the sender or the transport claims. */
  readonly sentAt: number;
  /**
   * Acknowledges the message: until then it is redelivered after each restart. With `alongside`, writes of the application
   * are stored in the same commit, atomically.
   * @returns whether this call acknowledged it; otherwise nothing was stored
   * @throws STORE codes (nothing has changed, retry); INVALID_ARGUMENT; CLOSED
   */
  acknowledge(options?: CommitOptions): Promise<boolean>;
}

/** A change of a group that has no effect, or not its full effect: docs/group-protocol.md. */
export interface GroupChangeLost {
  /** 64 hex digits. */
  readonly groupId: string;
  /** Id of the change, 64 hex digits. */
  readonly change: string;
  /** What the change was to do. */
  readonly kind: 'create' | 'rename' | 'add' | 'remove' | 'promote' | 'demote' | 'leave';
  /** 33 bytes. */
  readonly author: PublicKey;
  /** The identities it names, 33 bytes each; with `subjectRevoked`, those on whom it has no effect. */
  readonly subjects: readonly PublicKey[];
  /**
   * - `authorRevoked`: its author was concurrently removed or demoted, or left.
   * - `outranked`: it and other changes revoke each other, and the most senior administrator's revocation stands.
   * - `supportLost`: the change that added or promoted its author has no effect.
   * - `subjectRevoked`: it has effect, except on identities that were concurrently removed or demoted.
   */
  readonly reason: 'authorRevoked' | 'outranked' | 'supportLost' | 'subjectRevoked';
  /** Id of the change responsible, 64 hex digits. */
  readonly by: string;
}

/** The events of a messenger, by name. */
export interface MessengerEvents {
  /** A message was received, or one that an earlier run did not acknowledge is redelivered. */
  message: ReceivedMessage;
  /**
   * A device was seen for the first time. One of ours waits for `devices.enable`. With `firstContact`, no device of that
   * identity was known before.
   */
  deviceAdded: {
    readonly identity: PublicKey;
    readonly installationId: string;
    readonly own: boolean;
    readonly firstContact: boolean;
  };
  /** Another device of ours was enabled or disabled, by `devices.enable`, `devices.disable` and `devices.unlink`. */
  deviceEnabled: { readonly installationId: string; readonly enabled: boolean };
  /** An identity that the user hasn't accepted wrote for the first time: `requests.accept` or `requests.block`. */
  request: { readonly identity: PublicKey };
  /** The user has accepted an identity: by `requests.accept`, by adding it, or by writing to it. */
  accepted: { readonly identity: PublicKey };
  /** A contact was added, removed (`contact` is `undefined` then), or its verification changed. */
  contactChanged: { readonly identity: PublicKey; readonly contact: Contact | undefined };
  /** The user blocked or unblocked an identity. */
  blocked: { readonly identity: PublicKey; readonly blocked: boolean };
  /** A peer established a session with us (X3DH): its first message was decrypted. */
  sessionEstablished: { readonly identity: PublicKey; readonly installationId: string };
  /** A peer lost its session, or the application reset it: the next message begins a new one. */
  sessionReset: { readonly identity: PublicKey; readonly installationId: string | undefined };
  /** A device of a peer has a new signed prekey. */
  preKeyRotated: { readonly identity: PublicKey; readonly installationId: string };
  /**
   * A device that offered sessions with post-quantum keys no longer does: what is sent to it from now on is less protected. Tell
   * the user. Only the device itself can withdraw the offer.
   */
  postQuantumWithdrawn: { readonly identity: PublicKey; readonly installationId: string };
  /**
   * This device can't decrypt a message; the reason is for people, the code for programs. Emitted once for each cause and
   * device, until a message of that device can be read in a session; at most 16 times for one sender.
   */
  decryptionFailed: {
    readonly messageId: string;
    readonly sender: PublicKey;
    readonly senderInstallation: string;
    readonly code: string;
    readonly reason: string;
    /** Whether the sender was answered, so that its next message will be readable. */
    readonly answered: boolean;
  };
  /** The transport has accepted all parts of a message, for all devices and members. Emitted once. */
  sent: { readonly id: string };
  /**
   * The transport refused a part of a message for good. Emitted for each such part. The part is kept until the application
   * retries it (`outbox.retry`) or gives it up (`outbox.giveUp`).
   */
  sendFailed: { readonly id: string; readonly error: SottoError };
  /** A group was created, joined or changed. */
  groupChanged: { readonly groupId: string };
  /** A change of a group that we made, or that is about us, has no effect, or not its full effect. */
  groupChangeLost: GroupChangeLost;
  /**
   * A name that was looked up points to another identity than the one it is pinned to. Ask the user, and answer with
   * `contacts.pinName`; until then it stands for the pinned one. Emitted once for each such identity.
   */
  nameChanged: PinnedName;
  /** Our bundle was published in a directory. */
  bundlePublished: { readonly directory: string };
  /** Our bundle could not be published in a directory. It is tried again after `waitMs`, in milliseconds. */
  bundlePublishFailed: {
    readonly directory: string;
    readonly error: SottoError;
    /** Failed attempts in a row. */
    readonly attempts: number;
    readonly waitMs: number;
  };
  /** The connection was lost or regained. */
  status: TransportStatus;
  /**
   * Our clock is off, as the node or several peers report; 0 when it is right again. The transport compensates for up to a
   * day; times that are stored and shown are those of our own clock. Tell the user, who can correct it.
   */
  clockSkew: ClockSkew;
  /**
   * Emitted on start when the store was replaced. `lost`: it is empty although there was one (browsers evict storage), so this
   * is a new device. `restored`: it is an old copy, so every conversation begins a new session.
   */
  storeReplaced: { readonly how: 'lost' | 'restored' };
  /** The store could not be read or written. The operation is retried. */
  storageError: { readonly error: unknown };
}

type Listener<T> = (event: T) => void | Promise<void>;

/** Typed listeners. A listener that throws affects neither the others nor the messenger. */
export class Events {
  readonly #listeners = new Map<keyof MessengerEvents, Set<Listener<never>>>();
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Adds a listener; the returned function removes it. */
  on<K extends keyof MessengerEvents>(name: K, listener: Listener<MessengerEvents[K]>): () => void {
    let listeners = this.#listeners.get(name);
    if (listeners === undefined) {
      listeners = new Set();
      this.#listeners.set(name, listeners);
    }
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  emit<K extends keyof MessengerEvents>(name: K, event: MessengerEvents[K]): void {
    const failed = (error: unknown) =>
      this.#logger.error('listener failed', { event: name, error: errorName(error) });
    for (const listener of this.#listeners.get(name) ?? []) {
      try {
        const result = (listener as Listener<MessengerEvents[K]>)(event);
        if (result instanceof Promise) result.catch(failed);
      } catch (error) {
        failed(error);
      }
    }
  }

  /** Emits an event once a transaction is committed. */
  emitOnCommit<K extends keyof MessengerEvents>(tx: Transaction, name: K, event: MessengerEvents[K]): void {
    tx.onCommit('event', () => this.emit(name, event));
  }

  /** Emits what a bundle changed in an identity's devices, once a transaction is committed. */
  emitBundleNews(tx: Transaction, identity: PublicKey, news: BundleNews, ownIdentity: PublicKey): void {
    const { firstContact } = news;
    const own = compareBytes(identity, ownIdentity) === 0;
    for (const installationId of news.added) {
      this.emitOnCommit(tx, 'deviceAdded', { identity, installationId, own, firstContact });
    }
    for (const installationId of news.rotated) {
      this.emitOnCommit(tx, 'preKeyRotated', { identity, installationId });
    }
    for (const installationId of news.lowered) {
      this.emitOnCommit(tx, 'postQuantumWithdrawn', { identity, installationId });
    }
    for (const installationId of news.reset) {
      this.emitOnCommit(tx, 'sessionReset', { identity, installationId });
    }
  }

  storageError(error: unknown): void {
    this.#logger.warn('storage error', { error: errorName(error) });
    this.emit('storageError', { error });
  }
}
