import type { PublicKey, SottoError } from '@sotto/core';
import type { DeviceOutcome } from '@sotto/device';

/** What became of a message that was sent. */
export interface SendResult {
  /** Names the message in `sent` and `sendFailed`, 64 hex digits. */
  readonly id: string;
  /** Per device of the recipient. */
  readonly devices: readonly DeviceOutcome[];
  /** Per other device of ours that gets a copy. */
  readonly ownDevices: readonly DeviceOutcome[];
}

/** What became of a message to one member of a group. */
export interface MemberOutcome {
  readonly member: PublicKey;
  readonly result: { readonly devices: readonly DeviceOutcome[] } | { readonly failed: SottoError };
}

/** What became of a message to a group. */
export interface GroupSendResult {
  /** Names the message in `sent` and `sendFailed`, 32 hex digits. */
  readonly id: string;
  readonly members: readonly MemberOutcome[];
}

/** An identity that the user added. */
export interface Contact {
  readonly identity: PublicKey;
  readonly name: string;
  /** The user compared safety numbers. */
  readonly verified: boolean;
}
