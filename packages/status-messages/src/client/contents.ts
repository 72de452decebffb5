import type { PublicKey } from '@sotto/core';
import type { Conversation } from '@sotto/messenger';
import type { StatusImage, Sticker } from '../chat-message.js';

/** What a message says. */
export type StatusBody =
  | { readonly kind: 'text'; readonly text: string }
  /** A large emoji. */
  | { readonly kind: 'emoji'; readonly text: string }
  /** A picture, with a text or without. */
  | { readonly kind: 'image'; readonly text: string; readonly image: StatusImage }
  /** A sticker, with a text for clients that can't show it. */
  | { readonly kind: 'sticker'; readonly text: string; readonly sticker: Sticker }
  /** Asks to become contacts: `contacts.accept`, or `requests.block` of the messenger. */
  | { readonly kind: 'contact-request'; readonly text: string }
  /** Of a content type unknown to this version, with its text. */
  | { readonly kind: 'other'; readonly text: string; readonly contentType: number };

/** What all contents about a conversation have. */
export interface StatusContentBase {
  /**
   * Where it belongs. A Status group is `{ kind: 'group', groupId }` with the KECCAK-256 of its chat id in hex; so is a group of the
   * messenger, which never has the same id.
   */
  readonly conversation: Conversation;
  /** Who wrote it, 33 bytes: the sender of the envelope. */
  readonly author: PublicKey;
  /** Whether it is from another device of ours. */
  readonly own: boolean;
  /** Id of this message itself, `0x` and 64 hex digits. */
  readonly messageId: string;
  /** Orders messages: by clock, then by id. */
  readonly clock: bigint;
}

/** What a received payload contains, by `what`. */
export type StatusContent =
  | (StatusContentBase & {
      readonly what: 'message';
      readonly body: StatusBody;
      /** When it was written by the author's clock, in milliseconds since the epoch. */
      readonly timestamp: number;
      /** Id of the message that it replies to; empty for none. */
      readonly replyTo: string;
      /** As the author calls themselves; untrusted, and empty for none. */
      readonly displayName: string;
    })
  /**
   * Replaces the text of the message `target`. Count it only when its author wrote that message, and its clock is above that of an earlier
   * edit. It can arrive before the message.
   */
  | (StatusContentBase & { readonly what: 'edit'; readonly target: string; readonly text: string })
  /** Deletes the message `target`, if its author wrote it. */
  | (StatusContentBase & { readonly what: 'delete'; readonly target: string })
  /** A reaction to the message `target`. Of two with the same `reactionId` the one with the higher clock counts. */
  | (StatusContentBase & {
      readonly what: 'reaction';
      readonly target: string;
      /** 1 love, 2 thumbs up, 3 thumbs down, 4 laugh, 5 sad, 6 angry. */
      readonly reaction: number;
      readonly retracted: boolean;
      readonly reactionId: string;
    })
  /** The contact request between us and a person has changed, or their name. */
  | {
      readonly what: 'contact';
      readonly identity: PublicKey;
      readonly contact: StatusContact;
    }
  /** A Status group is new or was changed. */
  | { readonly what: 'group'; readonly by: PublicKey; readonly group: StatusGroupInfo }
  /** Another device of ours asks to be paired: `devices.enable` of the messenger. */
  | {
      readonly what: 'pairing';
      readonly installationId: string;
      readonly name: string;
      readonly deviceType: string;
    }
  /** A message of a type unknown to this version. */
  | (Omit<StatusContentBase, 'clock'> & {
      readonly what: 'unknown';
      readonly type: number;
      /** A copy, which the application owns. */
      readonly payload: Uint8Array;
    });

/** Something that a recipient reports about a message of ours. */
export interface StatusReceipt {
  /** `delivered`: a device of theirs has it. `read`: they have seen it. */
  readonly what: 'delivered' | 'read';
  /** `0x` and 64 hex digits. */
  readonly messageId: string;
  /** 33 bytes. */
  readonly recipient: PublicKey;
  /** Where the message was sent. */
  readonly conversation: Conversation;
}

/** The contact request between us and a person. */
export interface StatusContact {
  /** `mutual`: both sides want it. `sent`: we asked. `received`: they asked. */
  readonly state: 'none' | 'sent' | 'received' | 'mutual';
  /** As they call themselves; untrusted, and empty for none. */
  readonly displayName: string;
}

/** A Status group. */
export interface StatusGroupInfo {
  /** KECCAK-256 of the chat id, 64 hex digits: names it as a conversation. */
  readonly id: string;
  /** A UUID, `-` and `0x04…` of the creator. */
  readonly chatId: string;
  /** Untrusted. */
  readonly name: string;
  /** 33 bytes each, in the order in which they were added. */
  readonly members: readonly PublicKey[];
  /** 33 bytes each. */
  readonly admins: readonly PublicKey[];
  /** 33 bytes each: those who accepted. */
  readonly joined: readonly PublicKey[];
  /** 33 bytes: who added us, or else told us of it. */
  readonly addedBy: PublicKey;
  /** `joined`; `invited`: a member, but the user has not accepted; `left`: no member any more. */
  readonly state: 'joined' | 'invited' | 'left';
}
