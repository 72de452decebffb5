import type { BundleDirectoryCapabilities, PublicKey, SottoError } from '@sotto/core';
import type { DeviceOutcome } from '@sotto/device';
import type { Conversation } from './conversation.js';

/** The result of sending a message to a person. */
export interface DirectSendResult {
  /** A message to a person. */
  readonly kind: 'direct';
  /** Id of the message in `sent` and `sendFailed`, 64 hex digits. */
  readonly id: string;
  /** Per device of the recipient. */
  readonly devices: readonly DeviceOutcome[];
  /**
   * Whether it is sealed: only its session tells who sent it. Its envelope does after all when the message leaves over another transport
   * later, one that can't sign with a pseudonym.
   */
  readonly sealedSender: boolean;
  /** Per other device of ours that gets a copy. */
  readonly ownDevices: readonly DeviceOutcome[];
}

/** The result of sending a message to a public chat. */
export interface PublicSendResult {
  /** A message to a public chat. */
  readonly kind: 'public';
  /** Id of the message in `sent` and `sendFailed`, 64 hex digits. */
  readonly id: string;
}

/** The result of sending a message to a group, or of changing a group, which sends a message to its members. */
export interface GroupSendResult {
  /** A message to a group. */
  readonly kind: 'group';
  /** Id of the message in `sent` and `sendFailed`, 32 hex digits. */
  readonly id: string;
  /** Per member; a change skips members to whom nothing is sent. */
  readonly members: readonly MemberOutcome[];
}

/** The result for one member of a group. */
export interface MemberOutcome {
  /** 33 bytes. */
  readonly member: PublicKey;
  /** What was encrypted, or why encrypting for the member failed. */
  readonly result: MemberDelivery | { readonly failed: SottoError };
}

/** What was encrypted for a member of a group. */
export interface MemberDelivery {
  /** Per device of the member. */
  readonly devices: readonly DeviceOutcome[];
  /** Whether it is sealed, as in {@link DirectSendResult}; never what is sent once to the whole group. */
  readonly sealedSender: boolean;
}

/** The result of sending, by the kind of conversation. */
export type SendResult<K extends Conversation['kind'] = Conversation['kind']> = Extract<
  DirectSendResult | PublicSendResult | GroupSendResult,
  { readonly kind: K }
>;

/** An identity that the user added. Its name is the application's to keep, see `@sotto/conversations`. */
export interface Contact {
  /** 33 bytes. */
  readonly identity: PublicKey;
  /** Whether the user compared safety numbers. */
  readonly verified: boolean;
}

/** What one of those asked by `contacts.lookUp` answered. */
export interface LookUpAnswer {
  /**
   * `name`: the resolver of names. `topic`: the identity's contact-code topic while the look-up lasted; its subscription stays.
   * `history`: what the transport has kept of that topic. `given`: the bundle that was passed in. Otherwise the
   * name of a directory.
   */
  readonly source: string;
  /** `found`: a key for a name, otherwise a verified bundle. `none`: it knows of none. `failed`: see `error`. */
  readonly outcome: 'found' | 'none' | 'failed';
  /** Why it failed, or why what it gave was refused. */
  readonly error?: SottoError | undefined;
  /** Of a directory: milliseconds since the bundle was signed, as it says. */
  readonly ageMs?: number | undefined;
}

/** Who and what was found by `contacts.lookUp`. */
export interface LookUpResult {
  /**
   * Whom it leads to, 33 bytes; `undefined` when a name or an address leads to nobody. For a name that is pinned, always the
   * identity that it is pinned to.
   */
  readonly identity: PublicKey | undefined;
  /** Whether a device of the identity is known now, so that a message to it has forward secrecy. */
  readonly found: boolean;
  /** The name that was looked up, or that the address has. With `changedTo`, ask the user before anything is sent. */
  readonly name: PinnedName | undefined;
  /** Of all that were asked, in the order in which they came. */
  readonly answers: readonly LookUpAnswer[];
}

/** A name, and the identity that it stands for since it was first looked up. A label, not verification. */
export interface PinnedName {
  /** Normalised, such as `alice.eth`. */
  readonly name: string;
  /** The identity that it is pinned to, 33 bytes. */
  readonly identity: PublicKey;
  /** When it was pinned, in milliseconds since the epoch by our clock. */
  readonly pinnedAt: number;
  /** Another identity that the name points to now, 33 bytes, until the user decides: `contacts.pinName`. */
  readonly changedTo: PublicKey | undefined;
}

/** A directory of the messenger, and what it has of us. */
export interface DirectoryState {
  /** Name of the directory. */
  readonly directory: string;
  /** What it can do. The messenger publishes where that is `free` or `paid`. */
  readonly capabilities: BundleDirectoryCapabilities;
  /** When this device last published there, in milliseconds since the epoch by our clock; `undefined` when it never did. */
  readonly publishedAt: number | undefined;
  /** Attempts to publish that failed since then. */
  readonly failedAttempts: number;
  /** Code of the last attempt's error; `undefined` when it succeeded. */
  readonly errorCode: string | undefined;
}
