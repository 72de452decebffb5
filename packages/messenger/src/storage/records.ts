import { copyBytes, decodeHex, encodeHex, type PublicKey } from '@sotto/core';
import type { Protection, RecordCodec } from '@sotto/device';
import {
  type Conversation as ConversationMessage,
  InboxRecord,
  OutboxRecord,
  Protection as ProtectionNumber,
} from '../generated/sotto/messenger/v1/storage.js';
import type { Conversation } from '../runtime/conversation.js';

export type {
  ContactRecord,
  FanoutRecord,
  GroupRecord,
} from '../generated/sotto/messenger/v1/storage.js';

/** How the field of a record says it. */
export const PROTECTION_NUMBERS = {
  pq: ProtectionNumber.PROTECTION_PQ,
  dr: ProtectionNumber.PROTECTION_DR,
  dh: ProtectionNumber.PROTECTION_DH,
  public: ProtectionNumber.PROTECTION_PUBLIC,
} as const;

/** The reverse of {@link PROTECTION_NUMBERS}. */
export function protectionOf(number: ProtectionNumber): Protection {
  if (number === ProtectionNumber.PROTECTION_PQ) return 'pq';
  if (number === ProtectionNumber.PROTECTION_DR) return 'dr';
  return number === ProtectionNumber.PROTECTION_PUBLIC ? 'public' : 'dh';
}

/** A message that the application has not acknowledged. */
export interface InboxMessage {
  /** 32 bytes. */
  readonly messageId: Uint8Array;
  readonly sender: PublicKey;
  /** Installation id; may be empty with a message outside of sessions. */
  readonly senderInstallation: string;
  readonly protection: Protection;
  /** Only its session told who sent it. */
  readonly sealedSender: boolean;
  readonly payload: Uint8Array;
  /** Milliseconds since the epoch, by our clock. */
  readonly receivedAt: number;
  /** Milliseconds since the epoch, as the sender or transport claims. */
  readonly sentAt: number;
  readonly conversation: Conversation;
  /** It is a copy of what another device of ours sent. */
  readonly ownCopy: boolean;
  /** The membership that a message of a group was sent under, 64 hex digits. */
  readonly membershipHash: string | undefined;
  /** Its sender was no longer a member of the group. */
  readonly late: boolean;
}

export const inboxCodec: RecordCodec<InboxMessage> = {
  encode: ({ protection, receivedAt, sentAt, conversation, membershipHash = '', ...message }) =>
    InboxRecord.encode({
      ...message,
      protection: PROTECTION_NUMBERS[protection],
      receivedAt: BigInt(Math.trunc(receivedAt)),
      sentAt: BigInt(Math.trunc(sentAt)),
      conversation: { kind: encodeConversation(conversation) },
      groupMembershipHash: decodeHex(membershipHash),
    }).finish(),
  decode(bytes) {
    const { groupMembershipHash, protection, receivedAt, sentAt, conversation, sender, ...message } =
      InboxRecord.decode(bytes);
    return {
      ...message,
      sender: sender as PublicKey,
      protection: protectionOf(protection),
      receivedAt: Number(receivedAt),
      sentAt: Number(sentAt),
      conversation: decodeConversation(conversation, sender as PublicKey),
      membershipHash: groupMembershipHash.length > 0 ? encodeHex(groupMembershipHash) : undefined,
    };
  },
};

function encodeConversation(conversation: Conversation): ConversationMessage['kind'] {
  switch (conversation.kind) {
    case 'public':
      return { $case: 'publicChat', value: conversation.name };
    case 'group':
      return { $case: 'group', value: decodeHex(conversation.groupId) };
    case 'direct':
      return { $case: 'peer', value: conversation.peer };
  }
}

function decodeConversation(message: ConversationMessage | undefined, sender: PublicKey): Conversation {
  const kind = message?.kind;
  switch (kind?.$case) {
    case 'publicChat':
      return { kind: 'public', name: kind.value };
    case 'group':
      return { kind: 'group', groupId: encodeHex(kind.value) };
    default:
      return { kind: 'direct', peer: copyBytes(kind?.value ?? sender) as PublicKey };
  }
}

/** Where a message goes, without the negotiated secret. */
export type OutboxChannel =
  | { readonly kind: 'public'; readonly name: string }
  /** A topic of an identity, 33 bytes. */
  | { readonly kind: 'partitioned' | 'negotiated' | 'discovery'; readonly peer: PublicKey };

/** A message that the transport has not accepted. */
export interface OutboxMessage {
  /** The ProtocolMessage. */
  readonly payload: Uint8Array;
  /** 32 bytes: id of the message that it is part of; empty for what the messenger sends of its own accord. */
  readonly messageId: Uint8Array;
  readonly channel: OutboxChannel;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** Whether it failed for good: it waits for the application to retry it or give it up. */
  readonly failed: boolean;
}

export const outboxCodec: RecordCodec<OutboxMessage> = {
  encode: ({ channel, createdAt, ...message }) =>
    OutboxRecord.encode({
      ...message,
      createdAt: BigInt(Math.trunc(createdAt)),
      channel:
        channel.kind === 'public'
          ? { $case: 'publicName', value: channel.name }
          : { $case: channel.kind, value: channel.peer },
    }).finish(),
  decode(bytes) {
    const { channel, createdAt, ...message } = OutboxRecord.decode(bytes);
    if (channel === undefined) throw new Error('it names no channel');
    return {
      ...message,
      createdAt: Number(createdAt),
      channel:
        channel.$case === 'publicName'
          ? { kind: 'public', name: channel.value }
          : { kind: channel.$case, peer: channel.value as PublicKey },
    };
  },
};
