import type { ErrorCode, PublicKey } from '@sotto/core';
import type { GroupChangeLost, ReceivedMessage } from '@sotto/messenger';

/** What stands in a conversation. */
export type Entry = Message | Notice;

/** A message, ours or someone else's. */
export interface Message {
  /** A message. */
  readonly kind: 'message';
  /** Place in the conversation, counted from 0 in the order in which this device stored them. Never reused. */
  readonly number: number;
  /** The messenger's id of it. */
  readonly id: string;
  /** 33 bytes; ourselves when `own`. */
  readonly sender: PublicKey;
  /** We wrote it, here or on another device of ours. */
  readonly own: boolean;
  /** The device that it was written on; empty when not known. */
  readonly installationId: string;
  /** What it says. */
  readonly content: Content;
  /** How far it has come. */
  readonly state: MessageState;
  /** Of one that failed: the code of the error, see `explain`. */
  readonly failure: ErrorCode | undefined;
  /** How it travelled: `dr` has forward secrecy, `dh` has none, `public` anyone could read. */
  readonly protection: ReceivedMessage['protection'];
  /** Whether the sender was verified when it came. */
  readonly verified: boolean;
  /** Of a group: its author was removed shortly before it came. */
  readonly late: boolean;
  /** Milliseconds since the epoch by the sender's clock. */
  readonly sentAt: number;
  /** Milliseconds since the epoch by ours: when it was stored here. */
  readonly storedAt: number;
}

/**
 * Of ours: `pending`: stored, and sent as soon as the transport takes it; `sent`; `failed`: the transport refused a part of
 * it, which can be tried again or given up.
 * Of others, and copies from our other devices: `received`.
 */
export type MessageState = 'received' | 'pending' | 'sent' | 'failed';

/** What a payload is to this package. */
export type Content =
  | { readonly kind: 'text'; readonly text: string }
  /** No text: something that another program understands. Bytes as they came; fresh. */
  | { readonly kind: 'other'; readonly payload: Uint8Array };

/** Something that happened to a conversation. */
export interface Notice {
  /** A notice. */
  readonly kind: 'notice';
  /** Place in the conversation, as of a {@link Message}. */
  readonly number: number;
  /** What happened. */
  readonly notice: NoticeContent;
  /** Milliseconds since the epoch by our clock. */
  readonly storedAt: number;
}

/** What happened, by `what`. */
export type NoticeContent =
  /** A message came that this device can't read. `answered`: the sender was told, its next one will be readable. */
  | { readonly what: 'decryption-failed'; readonly sender: PublicKey; readonly answered: boolean }
  /** Someone whom we talk to has one device more. Worth a look when it was not expected. */
  | { readonly what: 'new-device'; readonly installationId: string }
  /** A group was joined or changed. What didn't change is empty or `undefined`. */
  | {
      readonly what: 'group-changed';
      readonly name: string | undefined;
      readonly joined: readonly PublicKey[];
      readonly left: readonly PublicKey[];
    }
  /** A change of the group by us, or about us, has no effect: someone else changed it at the same time. */
  | {
      readonly what: 'group-change-lost';
      readonly kind: GroupChangeLost['kind'];
      readonly author: PublicKey;
      readonly subjects: readonly PublicKey[];
      readonly reason: GroupChangeLost['reason'];
    };
