import { decodeHex, encodeHex, type PublicKey, SottoError } from '@sotto/core';
import { type Conversation, type Group, parseChatName } from '@sotto/messenger';
import type { Message } from './entry.js';

/** A line of the conversation list. */
export interface ConversationSummary {
  /** Names the conversation in one word, see {@link conversationKey}. */
  readonly key: string;
  /** What calls of this package and `Messenger.send` take. */
  readonly conversation: Conversation;
  /** When something was last stored in it, or it was opened. Milliseconds since the epoch by our clock. */
  readonly lastActivity: number;
  /** Messages of others that were not marked read. */
  readonly unread: number;
  /** `undefined` while there is none. */
  readonly lastMessage: Message | undefined;
  /** How it is protected, as far as its last message tells. */
  readonly protection: ConversationProtection;
  /** Of a 1:1: the other one wrote, and the user hasn't accepted them yet: accept or block. */
  readonly request: boolean;
  /** Of a group: what it is now. */
  readonly group: Group | undefined;
}

/**
 * How a conversation is protected, as far as its last message tells:
 * - `public`: anyone can read it.
 * - `identity-key`: no forward secrecy yet; who gets one of the identity keys later reads it.
 * - `ratchet`: forward secrecy.
 *
 * Before the first message it is what a message would have now. Whether the person is who one thinks is another
 * question: see `Person.verified`.
 */
export type ConversationProtection = 'public' | 'identity-key' | 'ratchet';

/** A conversation in one word, for addresses and maps: `d-` and an identity, `p-` and a name, `g-` and a group's id. */
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
    reason: 'not d-, p- or g- and what belongs to it',
  });
}
