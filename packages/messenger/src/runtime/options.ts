import type { Clock, KeyPair, Logger, Store, Transport, Write } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import type { DeviceOutcome } from '@sotto/device';
import type { Conversation } from './conversation.js';
import type { MessengerLimits } from './limits.js';
import type { Contact } from './results.js';

/** What `createMessenger` needs. */
export interface MessengerOptions {
  /** The account: `readAccount` of `@sotto/messenger` gives the one that a store keeps. Borrowed until `close`. */
  readonly identity: KeyPair;
  /** Where everything is kept; the messenger closes it. One messenger per store. */
  readonly store: Store;
  /** What carries messages: Whisper, or a pipe of your own. */
  readonly transport: Transport;
  /** Every primitive. Default: the best provider of the platform. */
  readonly crypto?: CryptoProvider | undefined;
  /** Tells the time, and runs timers. Default: the clock of the machine. */
  readonly clock?: Clock | undefined;
  /** Gets events and public identifiers, never keys or contents. Default: nothing is logged. */
  readonly logger?: Logger | undefined;
  /** Name of this device; drawn at random for a new store, and remembered by it. */
  readonly installationId?: string | undefined;
  /** Times and bounds that differ from `DEFAULT_LIMITS`. */
  readonly limits?: Partial<MessengerLimits> | undefined;
  /** The store is an old copy that was put back, see `DeviceOptions.restored`. Default: whether the store says so. */
  readonly restored?: boolean | undefined;
}

/** The options with their defaults. */
export interface Settings
  extends Pick<MessengerOptions, 'identity' | 'transport'>,
    Required<{ readonly [K in 'crypto' | 'clock' | 'logger']: NonNullable<MessengerOptions[K]> }> {
  readonly limits: MessengerLimits;
}

/** How a messenger starts. */
export interface StartOptions {
  /**
   * Whether a start that fails is tried again until it works: after 1 s, 2 s, and so on up to 30 s, so that a server that
   * comes back isn't flooded. Default: false, the failure is the caller's.
   */
  readonly retry?: boolean | undefined;
  /** Gives up: `start` rejects with ABORTED, is not connected, and may be called again. */
  readonly signal?: AbortSignal | undefined;
  /** Told why a try failed, and when the next one is due. Only with `retry`. */
  readonly onRetry?: ((failure: StartFailure) => void) | undefined;
}

/** A try to start that failed. */
export interface StartFailure {
  /** Why; mostly TRANSPORT_UNAVAILABLE. */
  readonly error: unknown;
  /** How many tries have failed so far. */
  readonly attempts: number;
  /** Milliseconds until the next try. */
  readonly waitMs: number;
}

/** How a message is sent, or a group changed. */
export interface SendOptions {
  /**
   * Writes of the application for the commit that takes the message, to the messenger's store; keys begin with `app/`.
   * So what is kept of a message is there if and only if the message was taken. Called again when the commit has to be
   * done over.
   */
  readonly alongside?: ((taken: TakenMessage) => readonly Write[]) | undefined;
  /**
   * Told after each commit for how many of the recipients the message has been encrypted: members of a group, some at a
   * time; a person or a public chat are one.
   */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  /**
   * Gives up while nothing is stored: the call rejects with ABORTED, and nothing was sent. Once the message was taken it has
   * no effect; `outbox.giveUp` does that.
   */
  readonly signal?: AbortSignal | undefined;
}

/** What the application stores in the same commit. */
export interface CommitOptions {
  /**
   * Writes of the application for the commit that does what is asked, to the messenger's store; keys begin with `app/`. When
   * nothing is done, nothing of it is stored.
   */
  readonly alongside?: readonly Write[] | undefined;
}

/** How a contact is added. */
export interface AddContactOptions {
  /**
   * Writes of the application for the commit that adds the contact, to the messenger's store; keys begin with `app/`. Called
   * again when the commit has to be done over.
   */
  readonly alongside?: ((contact: Contact) => readonly Write[]) | undefined;
}

/** A message about to be taken. */
export interface TakenMessage {
  /** Names the message in `sent` and `sendFailed`. */
  readonly id: string;
  /** Where it goes; of a group that is being created, the new one. */
  readonly conversation: Conversation;
  /** Per device of the recipient; empty for public chats, and for groups, whose members are encrypted for later. */
  readonly devices: readonly DeviceOutcome[];
}
