import type { PublicKey, SottoError } from '@sotto/core';
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
  /** Per device of the member, or why encrypting for the member failed. */
  readonly result: { readonly devices: readonly DeviceOutcome[] } | { readonly failed: SottoError };
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
