import { conversationKey, type Person, parseConversationKey } from '@sotto/conversations';
import { encodeHex, type PublicKey } from '@sotto/core';
import { formatKeyText, parseContact } from '@sotto/identity';
import type { Conversation } from '@sotto/messenger';
import { CliError } from './cli-error.js';
import type { Session } from './session.js';
import { crypto } from './vault.js';

/** What others wrote, safe for a terminal: no control characters, and none that turn the direction of writing. */
export function plain(text: string): string {
  return text.replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, '\u{fffd}');
}

export function keyText(identity: PublicKey): string {
  return formatKeyText(crypto, identity, 'base58btc');
}

/** The name that the user gave, or the beginning and end of the key, which can be made to look alike. */
export function nameOf(session: Session, identity: PublicKey): string {
  if (encodeHex(identity) === encodeHex(session.identity.publicKey)) return 'You';
  const key = keyText(identity);
  return plain(session.conversations.person(identity).name) || `${key.slice(0, 8)}…${key.slice(-5)}`;
}

export function titleOf(session: Session, conversation: Conversation): string {
  switch (conversation.kind) {
    case 'direct':
      return nameOf(session, conversation.peer);
    case 'public':
      return `#${conversation.name}`;
    case 'group':
      return plain(session.conversations.get(conversation)?.group?.name ?? '') || 'A group';
  }
}

/**
 * Someone, by the name of a contact, the key of a conversation, or a key, card or contact code.
 * @throws CliError AMBIGUOUS_NAME, UNKNOWN_PERSON
 */
export function findPerson(session: Session, text: string): PublicKey {
  const named = contactsNamed(session, text);
  if (named.length > 1) throw ambiguous('contacts');
  if (named[0] !== undefined) return named[0].identity;
  const conversation = keyed(text);
  if (conversation?.kind === 'direct') return conversation.peer;
  if (conversation !== undefined)
    throw new CliError('WRONG_KIND', 'This is for a conversation with one person.');
  try {
    return parseContact(crypto, text).identity;
  } catch (cause) {
    const complaint = new CliError(
      'UNKNOWN_PERSON',
      'No contact has this name, and it is no key, card or contact code.',
    );
    complaint.cause = cause;
    throw complaint;
  }
}

/**
 * A conversation, by its key, `#name` of a public chat, name of a group, or whatever names a person.
 * @throws CliError AMBIGUOUS_NAME, UNKNOWN_PERSON, UNKNOWN_CONVERSATION; INVALID_TEXT for the name of a chat
 */
export function findConversation(session: Session, text: string): Conversation {
  const conversation = keyed(text);
  if (conversation !== undefined) return conversation;
  if (text.startsWith('#')) return { kind: 'public', name: text.slice(1) };
  const groups = session.conversations
    .list()
    .filter(({ group }) => group !== undefined && isSame(group.name, text));
  const people = contactsNamed(session, text);
  if (groups.length + people.length > 1) throw ambiguous('contacts or groups');
  const [group] = groups;
  return group?.conversation ?? { kind: 'direct', peer: findPerson(session, text) };
}

/**
 * A group, as {@link findConversation} finds it.
 * @throws CliError WRONG_KIND when it is something else
 */
export function findGroup(session: Session, text: string): string {
  const conversation = findConversation(session, text);
  if (conversation.kind !== 'group')
    throw new CliError('WRONG_KIND', 'This is for a group; the conversation is none.');
  return conversation.groupId;
}

/** A conversation that is in the list. @throws CliError UNKNOWN_CONVERSATION */
export function findListed(session: Session, text: string) {
  const conversation = findConversation(session, text);
  const summary = session.conversations.get(conversation);
  if (summary === undefined) {
    throw new CliError(
      'UNKNOWN_CONVERSATION',
      `There is no such conversation: ${conversationKey(conversation)}`,
    );
  }
  return summary;
}

function keyed(text: string): Conversation | undefined {
  if (!/^[dpg]-/.test(text)) return undefined;
  try {
    return parseConversationKey(text);
  } catch {
    // A contact may be called so.
    return undefined;
  }
}

function contactsNamed(session: Session, text: string): readonly Person[] {
  return session.conversations.contacts().filter(({ name }) => name !== '' && isSame(name, text));
}

function isSame(one: string, other: string): boolean {
  const bare = (text: string) => text.normalize('NFC').trim().toLowerCase();
  return bare(one) === bare(other);
}

function ambiguous(what: string): CliError {
  return new CliError('AMBIGUOUS_NAME', `Several ${what} have this name. Give the key.`);
}
