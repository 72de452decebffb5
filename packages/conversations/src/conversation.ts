import { decodeHex, encodeHex, type PublicKey, SottoError } from '@sotto/core';
import { type Conversation, type Group, parseChatName } from '@sotto/messenger';
import type { Message } from './entry.js';

/** A line of the conversation list. */
export interface ConversationSummary {
  /** Identifies the conversation, see {@link conversationKey}. */
  readonly key: string;
  /** The conversation, as this package and `Messenger.send` accept it. */
  readonly conversation: Conversation;
  /** When something was last stored in it, or it was opened: milliseconds since the epoch by our clock. */
  readonly lastActivity: number;
  /** Number of received messages that were not marked read. */
  readonly unread: number;
  /** The last message; `undefined` until there is one. */
  readonly lastMessage: Message | undefined;
  /** How it is protected, judged by its last message. */
  readonly protection: ConversationProtection;
  /**
   * Of a 1:1: whether the peer wrote and the user has neither accepted nor blocked them yet. Of a Status group: whether someone added us whom
   * the user hasn't accepted, and we have not joined.
   */
  readonly request: boolean;
  /** Of a group: its current state. */
  readonly group: Group | undefined;
  /** Number of the next entry. */
  readonly next: number;
  /** What was written and not sent yet, see `Conversations.setDraft`; empty when there is nothing. */
  readonly draft: string;
  /** After how many seconds new messages disappear, see `Conversations.setDisappearing`; `undefined`: they don't. */
  readonly disappearing: number | undefined;
  /** Whether the user wants no notifications of it now. */
  readonly muted: boolean;
}

/**
 * How a conversation is protected, judged by its last message:
 * - `public`: anyone can read it.
 * - `identity-key`: no forward secrecy yet; whoever learns one of the identity keys later can read it.
 * - `ratchet`: forward secrecy.
 * - `post-quantum`: the same, also against somebody who records messages now and has a quantum computer later.
 *
 * Before the first message it is what a message would have now. Whether the peer is who the user thinks is a separate
 * question: see `Person.verified`.
 */
export type ConversationProtection = 'public' | 'identity-key' | 'ratchet' | 'post-quantum';

/** A conversation as a string, for URLs and maps: `d-` and an identity, `p-` and a name, `g-` and a group's id. */
export function conversationKey(conversation: Conversation): string {
  switch (conversation.kind) {
    case 'direct':
      return `d-${encodeHex(conversation.peer)}`;
    case 'public':
      return `p-${conversation.name}`;
    case 'group':
      return `g-${conversation.groupId}`;
  }
}

/**
 * Reads what {@link conversationKey} made.
 * @throws INVALID_TEXT
 */
export function parseConversationKey(key: string): Conversation {
  const rest = key.slice(2);
  if (key.startsWith('p-')) return { kind: 'public', name: parseChatName(rest) };
  if (key.startsWith('g-') && /^[0-9a-f]{64}$/.test(rest)) return { kind: 'group', groupId: rest };
  if (key.startsWith('d-') && /^0[23][0-9a-f]{64}$/.test(rest)) {
    return { kind: 'direct', peer: decodeHex(rest) as PublicKey };
  }
  throw new SottoError('INVALID_TEXT', 'Not a valid conversation key.', {
    what: 'conversation key',
    reason: 'not d-, p- or g- with an identity, name or group id',
  });
}
