import type { PublicKey, SottoError } from '@sotto/core';
import type { DeviceOutcome } from '@sotto/device';
import type { Conversation } from './conversation.js';

/** What became of a message to a person. */
export interface DirectSendResult {
  readonly kind: 'direct';
  /** Names the message in `sent` and `sendFailed`, 64 hex digits. */
  readonly id: string;
  /** Per device of the recipient. */
  readonly devices: readonly DeviceOutcome[];
  /** Per other device of ours that gets a copy. */
  readonly ownDevices: readonly DeviceOutcome[];
}

/** What became of a message to a public chat. */
export interface PublicSendResult {
  readonly kind: 'public';
  /** Names the message in `sent` and `sendFailed`, 64 hex digits. */
  readonly id: string;
}

/** What became of a message to a group, or of a change of one, which is a message to its members. */
export interface GroupSendResult {
  readonly kind: 'group';
  /** Names the message in `sent` and `sendFailed`, 32 hex digits. */
  readonly id: string;
  /** Per member; those who were left out have nothing to get. */
  readonly members: readonly MemberOutcome[];
}

/** What became of a message to one member of a group. */
export interface MemberOutcome {
  /** 33 bytes. */
  readonly member: PublicKey;
  /** By device, or why the member could not be encrypted for. */
  readonly result: { readonly devices: readonly DeviceOutcome[] } | { readonly failed: SottoError };
}

/** What became of a message that was sent, by the kind of its conversation. */
export type SendResult<K extends Conversation['kind'] = Conversation['kind']> = Extract<
  DirectSendResult | PublicSendResult | GroupSendResult,
  { readonly kind: K }
>;

/** An identity that the user added. Its name is the application's to keep, see `@sotto/conversations`. */
export interface Contact {
  /** 33 bytes. */
  readonly identity: PublicKey;
  /** The user compared safety numbers. */
  readonly verified: boolean;
}
