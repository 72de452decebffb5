import {
  type ClockSkew,
  compareBytes,
  isSottoError,
  type Logger,
  type PublicKey,
  type SottoError,
  type TransportStatus,
} from '@sotto/core';
import type { BundleNews, Protection, Transaction } from '@sotto/device';
import type { Conversation } from './conversation.js';
import type { CommitOptions } from './options.js';
import type { Contact } from './results.js';

/** A message for the application. */
export interface ReceivedMessage {
  /**
   * KECCAK-256 of sender and ProtocolMessage, and for a public chat of its name, 64 hex digits; the same on every device.
   */
  readonly id: string;
  /** 33 bytes, as the transport vouches for it. */
  readonly sender: PublicKey;
  /** The sender's device; empty when it gave none. */
  readonly senderInstallation: string;
  /** How it travelled: `dr` has forward secrecy, `dh` has none, `public` anybody could read. */
  readonly protection: Protection;
  /** Whether the user has verified the sender's identity. */
  readonly verified: boolean;
  /** A 1:1 message of somebody whom the user hasn't let in. */
  readonly request: boolean;
  /** Where it belongs, and where an answer is sent. */
  readonly conversation: Conversation;
  /** It was sent by another device of ours. */
  readonly ownCopy: boolean;
  /** Membership that a group's message was sent under, 64 hex digits; compare with `Group.membershipHash`. */
  readonly membershipHash: string | undefined;
  /**
   * Its sender was no longer a member of the group when it came, and we had learnt that only shortly before
   * (`groupGraceMs`): it may have been on its way.
   */
  readonly late: boolean;
  /** Fresh; the application owns it. */
  readonly payload: Uint8Array;
  /** Milliseconds since the epoch by our clock. */
  readonly receivedAt: number;
  /** Milliseconds since the epoch as the sender or the transport claims. */
  readonly sentAt: number;
  /**
   * Says that the application is done with it; until then it is redelivered after each restart. With `alongside`, what
   * the application keeps of the message is stored in the same commit: both have happened, or neither.
   * @returns whether it was this call that did it; else nothing was stored
   * @throws STORE codes (nothing has happened, try again); INVALID_ARGUMENT; CLOSED
   */
  acknowledge(options?: CommitOptions): Promise<boolean>;
}

/** A change of a group that has no effect, or does not do for somebody what it says: docs/group-protocol.md. */
export interface GroupChangeLost {
  /** 64 hex digits. */
  readonly groupId: string;
  /** Names the change, 64 hex digits. */
  readonly change: string;
  readonly kind: 'create' | 'rename' | 'add' | 'remove' | 'promote' | 'demote' | 'leave';
  /** 33 bytes. */
  readonly author: PublicKey;
  /** 33 bytes each: whom it names; with `subjectRevoked`, of these who are not what it makes them. */
  readonly subjects: readonly PublicKey[];
  /**
   * `authorRevoked`: its author was removed or demoted, or left, without knowing of it. `outranked`: others and it
   * revoke each other, and the most senior administrator's revocation stands. `supportLost`: who let its author in, or
   * promoted it, was not in a position to. `subjectRevoked`: it has effect, but somebody whom it names was removed or demoted
   * at the same time.
   */
  readonly reason: 'authorRevoked' | 'outranked' | 'supportLost' | 'subjectRevoked';
  /** Names the change that did it, 64 hex digits. */
  readonly by: string;
}

/** The events of a messenger, by name. */
export interface MessengerEvents {
  /** A message came, or one of an earlier run that was not acknowledged is delivered again. */
  message: ReceivedMessage;
  /**
   * A device was seen for the first time. An own one waits for `devices.enable`. With `firstContact`, no device of that
   * identity was known before, so that it isn't a new one among others.
   */
  deviceAdded: {
    readonly identity: PublicKey;
    readonly installationId: string;
    readonly own: boolean;
    readonly firstContact: boolean;
  };
  /** Somebody whom the user hasn't let in wrote for the first time: `requests.accept` or `requests.block`. */
  request: { readonly identity: PublicKey };
  /** The user has let an identity in: accepted it, added it, or wrote to it. */
  accepted: { readonly identity: PublicKey };
  /** A contact was added, verified or no longer so, or removed: then `contact` is `undefined`. */
  contactChanged: { readonly identity: PublicKey; readonly contact: Contact | undefined };
  /** The user blocked an identity, or blocks it no longer. */
  blocked: { readonly identity: PublicKey; readonly blocked: boolean };
  /** A peer established a session with us (X3DH): its first message could be read. */
  sessionEstablished: { readonly identity: PublicKey; readonly installationId: string };
  /** A peer lost its session, or the application gave it up: the next message begins a new one. */
  sessionReset: { readonly identity: PublicKey; readonly installationId: string | undefined };
  /** A device of a peer has a new signed prekey. */
  preKeyRotated: { readonly identity: PublicKey; readonly installationId: string };
  /**
   * A message came that this device can't read; the reason is for people, the code for programs. Emitted once for each cause
   * and device, until a message of that device can be read in a session; for one sender 16 times at most.
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
  /** The transport took all parts of a message, for all devices and members. Emitted once. */
  sent: { readonly id: string };
  /**
   * The transport will never take a part of a message. Emitted for each such part. The part is kept until the application
   * tries it again (`outbox.retry`) or gives it up (`outbox.giveUp`).
   */
  sendFailed: { readonly id: string; readonly error: SottoError };
  /** A group was created, joined or changed. */
  groupChanged: { readonly groupId: string };
  /** A change of a group by us, or about us, has no effect, or not what it says. */
  groupChangeLost: GroupChangeLost;
  /** The connection was lost or regained. */
  status: TransportStatus;
  /**
   * Our clock turned out to be off, by what the node or several people say; with 0 when it is right again. The transport makes
   * up for up to a day; times that are stored and shown go by our own clock. Worth telling people: they can set it right.
   */
  clockSkew: ClockSkew;
  /**
   * On start: the store is not what it was. `lost`: it is empty, though there was one (a browser evicts): this is a
   * new device. `restored`: an old copy was put back: every conversation begins a new session.
   */
  storeReplaced: { readonly how: 'lost' | 'restored' };
  /** The store could not be read or written. What was in progress is tried again. */
  storageError: { readonly error: unknown };
}

type Listener<T> = (event: T) => void | Promise<void>;

/** Typed listeners. A listener that throws doesn't disturb the others or the messenger. */
export class Events {
  readonly #listeners = new Map<keyof MessengerEvents, Set<Listener<never>>>();
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Listens; the returned function stops it. */
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

  /** Emits what a bundle has changed of an identity's devices, once a transaction is committed. */
  emitBundleNews(tx: Transaction, identity: PublicKey, news: BundleNews, ownIdentity: PublicKey): void {
    const { firstContact } = news;
    const own = compareBytes(identity, ownIdentity) === 0;
    for (const installationId of news.added) {
      this.emitOnCommit(tx, 'deviceAdded', { identity, installationId, own, firstContact });
    }
    for (const installationId of news.rotated) {
      this.emitOnCommit(tx, 'preKeyRotated', { identity, installationId });
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

/** An error in a word, for a log. */
export function errorName(error: unknown): string {
  return isSottoError(error) ? error.code : error instanceof Error ? error.name : typeof error;
}
