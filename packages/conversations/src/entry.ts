import type { ErrorCode, PublicKey } from '@sotto/core';
import type { GroupChangeLost, ReceivedMessage } from '@sotto/messenger';

/** An entry of a conversation. */
export type Entry = Message | Notice;

/** A message, sent or received. */
export interface Message {
  /** A message. */
  readonly kind: 'message';
  /** Position in the conversation, from 0, in the order in which this device stored the entries. Never reused. */
  readonly number: number;
  /**
   * Id of the message: 64 hex digits, or 32 for one of ours to a group. Of a received Status message and of one of ours to a Status group,
   * its own id; otherwise the messenger's.
   */
  readonly id: string;
  /** Of a Status message: the id by which replies, edits and reactions name it, `0x` and 64 hex digits. Otherwise `undefined`. */
  readonly reference: string | undefined;
  /** The `reference` of the message that it replies to, which need not be known here. */
  readonly replyTo: string | undefined;
  /** Whether its text was replaced by its author. */
  readonly edited: boolean;
  /** Reactions to it, one of each kind for each person. */
  readonly reactions: readonly Reaction[];
  /** The sender's identity, 33 bytes; our own when `own`. */
  readonly sender: PublicKey;
  /** Whether we sent it, from this device or another one of ours. */
  readonly own: boolean;
  /** Installation id of the sending device; empty when not known. */
  readonly installationId: string;
  /** Its content. */
  readonly content: Content;
  /** Its delivery state. */
  readonly state: MessageState;
  /**
   * Of a message of ours: those who acknowledge it, one by one: the peer, or the members of a Status group. Otherwise empty.
   */
  readonly recipients: readonly Recipient[];
  /** Error code of a failed message, see `explainCode`; otherwise `undefined`. */
  readonly failure: ErrorCode | undefined;
  /**
   * How it was protected: `pq` with forward secrecy and post-quantum keys, `dr` with forward secrecy, `dh` without, `public` readable by
   * anyone. Of a message of ours, that of its least protected copy.
   */
  readonly protection: ReceivedMessage['protection'];
  /** Whether only its session told who sent it, as in `ReceivedMessage`; of a message of ours, of each copy. */
  readonly sealedSender: boolean;
  /** Whether the sender was verified when it was received. */
  readonly verified: boolean;
  /** In a group: whether its sender had been removed shortly before it was received. */
  readonly late: boolean;
  /** When it was sent, in milliseconds since the epoch by the sender's clock. */
  readonly sentAt: number;
  /** When it was stored here, in milliseconds since the epoch by our clock. */
  readonly storedAt: number;
  /** After how many seconds it disappears, from when it was read here or, if it is ours, sent; `undefined`: never. */
  readonly timer: number | undefined;
  /** When it disappears here, in milliseconds since the epoch by our clock; `undefined` until that has begun. */
  readonly expiresAt: number | undefined;
}

/**
 * - `pending`: ours; stored, and sent as soon as the transport accepts it.
 * - `sent`: ours; the transport has accepted all of it.
 * - `delivered`: ours; a device of each recipient has acknowledged it. Only with the option `status`, in 1:1 conversations and
 *   Status groups: plain texts, groups of the messenger and public chats have no acknowledgements.
 * - `read`: ours; each recipient has seen it. Only while read receipts are switched on, here and there.
 * - `failed`: ours; a part could not be sent, for the reason in `failure`, and can be retried or given up.
 * - `received`: from others, or a copy from another device of ours.
 */
export type MessageState = 'received' | 'pending' | 'sent' | 'delivered' | 'read' | 'failed';

/** Somebody to whom a message of ours goes. */
export interface Recipient {
  /** 33 bytes. */
  readonly identity: PublicKey;
  /** How far the message has got with them, as in {@link MessageState}. */
  readonly state: Exclude<MessageState, 'received'>;
  /** Error code of what failed for them, see `explainCode`; otherwise `undefined`. */
  readonly failure: ErrorCode | undefined;
}

/** A reaction of a person to a message. */
export interface Reaction {
  /** 33 bytes. */
  readonly by: PublicKey;
  /** 1 love, 2 thumbs up, 3 thumbs down, 4 laugh, 5 sad, 6 angry; others are unknown. */
  readonly reaction: number;
}

/** The content of a message: text, a picture, a file, or bytes of another program. */
export type Content =
  | { readonly kind: 'text'; readonly text: string }
  /** A picture with a text, which may be empty. Untrusted bytes, copied; the caller owns them. */
  | {
      readonly kind: 'image';
      readonly text: string;
      readonly picture: Uint8Array;
      readonly mediaType:
        | 'image/png'
        | 'image/jpeg'
        | 'image/webp'
        | 'image/gif'
        | 'application/octet-stream';
    }
  /**
   * A file with a text, which may be empty. `attachment` describes it: what `decodeAttachment` of `@sotto/attachments` reads, which also refuses
   * what isn't one. Untrusted bytes, copied; the caller owns them. They hold the key of the file.
   */
  | { readonly kind: 'file'; readonly text: string; readonly attachment: Uint8Array }
  /** Its author deleted it for everyone. */
  | { readonly kind: 'deleted' }
  /** Not text: the payload of another program, unchanged. A copy, which the caller owns. */
  | { readonly kind: 'other'; readonly payload: Uint8Array };

/** An event in a conversation. */
export interface Notice {
  /** A notice. */
  readonly kind: 'notice';
  /** Position in the conversation, as in {@link Message}. */
  readonly number: number;
  /** What happened. */
  readonly notice: NoticeContent;
  /** When it was stored, in milliseconds since the epoch by our clock. */
  readonly storedAt: number;
}

/** What happened, by `what`. */
export type NoticeContent =
  /** This device can't decrypt a message. `answered`: the sender was told, and the next one will be readable. */
  | { readonly what: 'decryption-failed'; readonly sender: PublicKey; readonly answered: boolean }
  /** A peer has a new device. Worth checking when it was not expected. */
  | { readonly what: 'new-device'; readonly installationId: string }
  /** A group was joined or changed. What didn't change is empty or `undefined`. */
  | {
      readonly what: 'group-changed';
      readonly name: string | undefined;
      readonly joined: readonly PublicKey[];
      readonly left: readonly PublicKey[];
    }
  /** A change of the group that we made, or that is about us, has no effect: another member changed it at the same time. */
  | {
      readonly what: 'group-change-lost';
      readonly kind: GroupChangeLost['kind'];
      readonly author: PublicKey;
      readonly subjects: readonly PublicKey[];
      readonly reason: GroupChangeLost['reason'];
    }
  /** Someone has set after how many seconds new messages disappear; `undefined`: they don't any more. */
  | {
      readonly what: 'disappearing-changed';
      /** 33 bytes; our own when it was set on a device of ours. */
      readonly by: PublicKey;
      readonly seconds: number | undefined;
    };
