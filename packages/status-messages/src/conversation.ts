import { type CryptoProvider, type PublicKey, SottoError } from '@sotto/core';
import { malformed } from '@sotto/protocol-codec/internal';
import { CHAT_TYPE } from './checks.js';
import { formatIdentity, parseIdentity } from './identity-text.js';
import type { StatusGroup } from './membership.js';
import type { StatusProfile } from './profile.js';

/** A conversation that a message belongs to. */
export type StatusConversation =
  | { readonly kind: 'direct'; readonly peer: PublicKey }
  | { readonly kind: 'public'; readonly name: string }
  | { readonly kind: 'group'; readonly chatId: string };

/** What decides on the conversation of a message. */
export interface ConversationContext {
  /** The generation whose rules apply. */
  readonly profile: StatusProfile;
  /** Our own identity. */
  /** Our own identity. */
  readonly me: PublicKey;
  /** Who signed the message. */
  readonly author: PublicKey;
  /** Whether we have joined the chat. */
  isJoinedPublicChat(name: string): boolean;
  /** A group that we know. */
  group(chatId: string): Pick<StatusGroup, 'members' | 'joined'> | undefined;
}

/**
 * The conversation of a message. One with a person is named by the author, whatever the message says, but for a copy of our own device. A public
 * chat has to be joined. A group has to be known; of author and reader, both must be members and, in 2020, have joined.
 * @throws MALFORMED_MESSAGE; NOT_FOUND for a chat or group that we don't have; NOT_PERMITTED when author or reader don't belong to the group
 */
export function conversationOf(
  crypto: CryptoProvider,
  { messageType, chatId }: { readonly messageType: number; readonly chatId: string },
  context: ConversationContext,
): StatusConversation {
  const { author, me } = context;
  switch (messageType) {
    case CHAT_TYPE.direct: {
      const isOwn = crypto.equalBytes(author, me);
      return { kind: 'direct', peer: isOwn ? parseIdentity(crypto, chatId) : author };
    }
    case CHAT_TYPE.public:
      if (!context.isJoinedPublicChat(chatId)) throw notFound('conversation', 'public chat');
      return { kind: 'public', name: chatId };
    case CHAT_TYPE.group: {
      const group = context.group(chatId);
      if (group === undefined) throw notFound('group', 'group');
      const { messagesNeedJoining } = context.profile;
      const belong = messagesNeedJoining ? group.joined : group.members;
      for (const identity of [author, me]) {
        const key = formatIdentity(crypto, identity);
        if (!group.members.has(key)) throw notPermitted('is not a member of the group');
        if (!belong.has(key)) throw notPermitted('has not joined the group');
      }
      return { kind: 'group', chatId };
    }
    default:
      throw malformed('message', 'an unknown kind of conversation');
  }
}

function notFound(what: 'conversation' | 'group', name: string): SottoError<'NOT_FOUND'> {
  return new SottoError('NOT_FOUND', `The message is for a ${name} that is not known here.`, {
    what,
    id: '',
  });
}

function notPermitted(reason: string): SottoError<'NOT_PERMITTED'> {
  return new SottoError('NOT_PERMITTED', `The author or the reader of the message ${reason}.`, {
    what: 'group message',
  });
}
