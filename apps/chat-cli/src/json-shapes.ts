import type { Content, ConversationSummary, Entry, Message } from '@sotto/conversations';
import type { PublicKey } from '@sotto/core';
import { encodeBase64, encodeHex } from '@sotto/core';
import type { Group } from '@sotto/messenger';
import type { Json } from './actions/action.js';
import { attachmentOf } from './files.js';
import { keyText, titleOf } from './names.js';
import type { Session } from './session.js';

type JsonObject = { readonly [name: string]: Json | undefined };

/** A person, as programs receive them. */
export function personJson(session: Session, identity: PublicKey): JsonObject {
  const { name, contact, verified, blocked } = session.conversations.person(identity);
  const profile = session.profiles.get(identity);
  const { resembles } = session.profiles.shownName(identity);
  return {
    ...{ key: keyText(identity), name, contact, verified, blocked },
    // What they call themselves.
    ...(profile !== undefined && profile.name !== '' && { ownName: profile.name }),
    ...(resembles !== undefined && { resembles: keyText(resembles) }),
  };
}

/** A line of the conversation list. */
export function summaryJson(session: Session, summary: ConversationSummary): JsonObject {
  const { key, conversation, unread, protection, request, group, disappearing } = summary;
  return {
    conversation: key,
    kind: conversation.kind,
    title: titleOf(session, conversation),
    unread,
    protection,
    ...(disappearing !== undefined && { disappearing }),
    ...((conversation.kind === 'direct' || request) && { request }),
    ...(conversation.kind === 'direct' && { person: personJson(session, conversation.peer) }),
    ...(group && { group: groupJson(session, group) }),
  };
}

export function groupJson(session: Session, group: Group): JsonObject {
  const admins = new Set(group.admins.map(encodeHex));
  return {
    name: group.name,
    joined: group.joined,
    members: group.members.map((member) => ({
      ...personJson(session, member),
      admin: admins.has(encodeHex(member)),
    })),
  };
}

/** An entry of a conversation. */
export function entryJson(session: Session, conversation: string, entry: Entry): JsonObject {
  const { number } = entry;
  if (entry.kind === 'message') return { conversation, number, ...messageJson(session, entry) };
  const { notice } = entry;
  const { what } = notice;
  switch (notice.what) {
    case 'decryption-failed':
      return {
        conversation,
        number,
        what,
        sender: personJson(session, notice.sender),
        answered: notice.answered,
      };
    case 'new-device':
      return { conversation, number, what, device: notice.installationId };
    case 'disappearing-changed':
      return { conversation, number, what, by: personJson(session, notice.by), seconds: notice.seconds };
    case 'group-change-lost': {
      const { kind, author, subjects, reason } = notice;
      return {
        conversation,
        number,
        what,
        kind,
        author: personJson(session, author),
        subjects: subjects.map((identity) => personJson(session, identity)),
        reason,
      };
    }
    case 'group-changed': {
      const people = (list: readonly PublicKey[]) => list.map((identity) => personJson(session, identity));
      return {
        conversation,
        number,
        what,
        name: notice.name,
        joined: people(notice.joined),
        left: people(notice.left),
      };
    }
  }
}

function contentJson(content: Content): JsonObject {
  switch (content.kind) {
    case 'text':
      return { text: content.text };
    case 'image':
      return {
        text: content.text,
        picture: encodeBase64(content.picture),
        mediaType: content.mediaType,
      };
    case 'file': {
      const { name, mediaType, size } = attachmentOf(content) ?? {};
      return { text: content.text, file: { name, mediaType, size } };
    }
    case 'deleted':
      return { deleted: true };
    case 'other':
      return { payload: encodeBase64(content.payload) };
  }
}

function messageJson(session: Session, message: Message): JsonObject {
  const { id, sender, own, content, state, failure, late, protection, sealedSender, sentAt, storedAt } =
    message;
  const { reference, replyTo, edited, reactions, recipients, timer } = message;
  return {
    id,
    sender: personJson(session, sender),
    own,
    ...contentJson(content),
    ...(reference !== undefined && { reference }),
    ...(replyTo !== undefined && { replyTo }),
    ...(edited && { edited }),
    ...(reactions.length > 0 && {
      reactions: reactions.map(({ by, reaction }) => ({ by: personJson(session, by), reaction })),
    }),
    state,
    ...(failure !== undefined && { failure }),
    ...(recipients.length > 1 && {
      recipients: recipients.map(({ identity, state: theirs, failure: reason }) => ({
        person: personJson(session, identity),
        state: theirs,
        ...(reason !== undefined && { failure: reason }),
      })),
    }),
    ...(late && { late }),
    ...(timer !== undefined && { timer }),
    protection,
    sealedSender,
    sentAt,
    storedAt,
  };
}
