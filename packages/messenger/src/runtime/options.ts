import type {
  BundleDirectory,
  Clock,
  KeyPair,
  Logger,
  NameResolver,
  Store,
  Transport,
  Write,
} from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import type { DeviceOutcome } from '@sotto/device';
import type { Bundle } from '@sotto/protocol-codec';
import type { Conversation } from './conversation.js';
import type { MessengerLimits } from './limits.js';
import type { Contact, LookUpAnswer } from './results.js';

/** What `createMessenger` needs. */
export interface MessengerOptions {
  /** The account; `readAccount` returns the one kept in a store. Borrowed until `close`. */
  readonly identity: KeyPair;
  /** Holds all state; the messenger closes it. One messenger per store. */
  readonly store: Store;
  /** Carries messages: Whisper, or a transport of your own. */
  readonly transport: Transport;
  /**
   * Where bundles are found while their owners are offline, and where ours is published if it costs no transaction; see
   * `@sotto/directories`. Their names have to differ. Default: none, and nothing of this is loaded.
   */
  readonly directories?: readonly BundleDirectory[] | undefined;
  /** Finds the keys of names such as `alice.eth`, for `contacts.lookUp`. Default: names can't be looked up. */
  readonly names?: NameResolver | undefined;
  /** Every primitive. Default: the best provider of the platform. */
  readonly crypto?: CryptoProvider | undefined;
  /**
   * Whether to offer the hybrid suite, PQXDH and the Triple Ratchet: messages to and from devices that offer it too are safe from
   * an attacker who records them now and has a quantum computer later. Nothing changes towards others. Its code is loaded
   * only then. A device that stops offering it shows its peers `postQuantumWithdrawn`. Default true.
   */
  readonly postQuantum?: boolean | undefined;
  /**
   * Whether to send and be sent sealed messages in the hybrid suite: what a transport carries of them names no sender to anyone but the
   * two identities. Only over a transport with `capabilities.pseudonyms`, and only to devices that offer it. They are read in any
   * case. Default true.
   */
  readonly sealedSender?: boolean | undefined;
  /** Time and timers. Default: the system clock. */
  readonly clock?: Clock | undefined;
  /** Receives events and public identifiers, never keys or contents. Default: nothing is logged. */
  readonly logger?: Logger | undefined;
  /** Name of this device among those of its identity. Default: random for a new store, which remembers it. */
  readonly installationId?: string | undefined;
  /** Times and bounds that differ from `DEFAULT_LIMITS`. */
  readonly limits?: Partial<MessengerLimits> | undefined;
  /** Whether the store is an old copy that was restored, see `DeviceOptions.restored`. Default: what the store reports. */
  readonly restored?: boolean | undefined;
}

/** The options with their defaults. */
export interface Settings
  extends Pick<MessengerOptions, 'identity' | 'transport'>,
    Required<{ readonly [K in 'crypto' | 'clock' | 'logger']: NonNullable<MessengerOptions[K]> }> {
  readonly limits: MessengerLimits;
  readonly directories: readonly BundleDirectory[];
  readonly names: NameResolver | undefined;
  /** Whether messages are sealed where they can be. */
  readonly sealsMessages: boolean;
}

/** How a messenger starts. */
export interface StartOptions {
  /**
   * Whether to retry until a start succeeds: after 1 s, 2 s, and so on up to 30 s, so that a server that comes back isn't
   * flooded. Default false: the first failure rejects.
   */
  readonly retry?: boolean | undefined;
  /** Cancels: `start` rejects with ABORTED, and may be called again. */
  readonly signal?: AbortSignal | undefined;
  /** Called after each failed attempt. Only with `retry`. */
  readonly onRetry?: ((failure: StartFailure) => void) | undefined;
}

/** A failed attempt to start. */
export interface StartFailure {
  /** Why; mostly TRANSPORT_UNAVAILABLE. */
  readonly error: unknown;
  /** Number of failed attempts so far. */
  readonly attempts: number;
  /** Milliseconds until the next attempt. */
  readonly waitMs: number;
}

/** How a message is sent, or a group changed. */
export interface SendOptions {
  /**
   * Returns writes of the application to the messenger's store, for the commit that stores the message; keys begin with
   * `app/`. Both are stored atomically. Called again when the commit has to be repeated.
   */
  readonly alongside?: ((taken: TakenMessage) => readonly Write[]) | undefined;
  /**
   * Called after each commit with the number of recipients for whom the message has been encrypted: members of a group, some
   * at a time; a person or a public chat counts as one.
   */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  /**
   * Cancels while nothing is stored: the call rejects with ABORTED, and nothing is sent. Without effect once the message is
   * stored; see `outbox.giveUp` for that.
   */
  readonly signal?: AbortSignal | undefined;
  /**
   * Of a message to a person: what our own other devices get. Bytes are sent to our own identity as they are, for formats that name
   * the conversation themselves, and are borrowed; `false`: nothing. Default: a copy of the payload, with its recipient.
   */
  readonly ownCopy?: Uint8Array | false | undefined;
}

/** What the application stores in the same commit. */
export interface CommitOptions {
  /**
   * Writes of the application to the messenger's store, for the commit of the call; keys begin with `app/`. Both are stored
   * atomically.
   */
  readonly alongside?: readonly Write[] | undefined;
}

/** How a contact is added. */
export interface AddContactOptions {
  /**
   * Returns writes of the application to the messenger's store, for the commit that adds the contact; keys begin with
   * `app/`. Called again when the commit has to be repeated.
   */
  readonly alongside?: ((contact: Contact) => readonly Write[]) | undefined;
}

/**
 * Whom to look up: what `parseRecipient` of `@sotto/identity` makes of anything that a person types or scans, or an identity of
 * 33 or 65 bytes.
 */
export type LookUpTarget =
  | Uint8Array
  /** A key, a contact card or a contact code. A bundle that comes with it is verified and merged. */
  | { readonly identity: Uint8Array; readonly bundle?: Bundle | undefined }
  /** A name such as `alice.eth`. */
  | { readonly kind: 'name'; readonly name: string }
  /** An Ethereum address, `0x…`: looked up by its primary name. */
  | { readonly kind: 'address'; readonly address: string };

/** How somebody is looked up. */
export interface LookUpOptions {
  /** Called with each answer as soon as it is there, before slower ones: what it brought is stored by then. */
  readonly onAnswer?: ((answer: LookUpAnswer) => void) | undefined;
  /** Gives up: `lookUp` rejects with ABORTED. What was found until then stays. */
  readonly signal?: AbortSignal | undefined;
}

/** A message about to be stored. */
export interface TakenMessage {
  /** Id of the message in `sent` and `sendFailed`. */
  readonly id: string;
  /** Its conversation; the new one for a group that is being created. */
  readonly conversation: Conversation;
  /** Per device of the recipient; empty for public chats, and for groups, whose members are encrypted for later. */
  readonly devices: readonly DeviceOutcome[];
  /** As in the result of sending a 1:1 message; false for public chats and groups. */
  readonly sealedSender: boolean;
}
