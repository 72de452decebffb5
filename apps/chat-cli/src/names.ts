import { conversationKey, type Person, parseConversationKey } from '@sotto/conversations';
import { encodeHex, type PublicKey } from '@sotto/core';
import { formatKeyText, parseContact } from '@sotto/identity';
import type { Conversation } from '@sotto/messenger';
import { CliError } from './cli-error.js';
import { crypto } from './data-directory.js';
import type { Session } from './session.js';

/** Text of others made safe for a terminal: without control and bidirectional formatting characters. */
export function plain(text: string): string {
  return text.replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, '\u{fffd}');
}

export function keyText(identity: PublicKey): string {
  return formatKeyText(crypto, identity, 'base58btc');
}

/**
 * The contact's name; or a tilde, the name that they give themselves and the end of the key, since anybody can take a name; or the start and
 * end of the key. A shortened key can be imitated.
 */
export function nameOf(session: Session, identity: PublicKey): string {
  if (encodeHex(identity) === encodeHex(session.identity.publicKey)) return 'You';
  const key = keyText(identity);
  const { text, source, resembles } = session.profiles.shownName(identity);
  const name = plain(text);
  if (source === 'given' && name !== '') return name;
  if (name === '') return `${key.slice(0, 8)}…${key.slice(-5)}`;
  const warning = resembles === undefined ? '' : ', NOT the one you know';
  return `~${name} (…${key.slice(-5)}${warning})`;
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
Finds a person by the name of a contact, the key of a conversation, or a key, card or contact code.
 * @throws CliError AMBIGUOUS_NAME, UNKNOWN_PERSON
 */
export function findPerson(session: Session, text: string): PublicKey {
  const named = contactsNamed(session, text);
  if (named.length > 1) throw ambiguous('contacts');
  if (named[0] !== undefined) return named[0].identity;
  const conversation = conversationByKey(text);
  if (conversation?.kind === 'direct') return conversation.peer;
  if (conversation !== undefined)
    throw new CliError('WRONG_KIND', 'This is not a conversation with one person.');
  try {
    return parseContact(crypto, text).identity;
  } catch (cause) {
    const error = new CliError(
      'UNKNOWN_PERSON',
      'Not the name of a contact, nor a key, card or contact code.',
    );
    error.cause = cause;
    throw error;
  }
}

/**
Finds a conversation by its key, `#name` of a public chat, the name of a group, or whatever {@link findPerson} accepts.
 * @throws CliError AMBIGUOUS_NAME, UNKNOWN_PERSON, UNKNOWN_CONVERSATION; INVALID_TEXT for the name of a chat
 */
export function findConversation(session: Session, text: string): Conversation {
  const conversation = conversationByKey(text);
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
 * Finds a group in the way of {@link findConversation}.
 * @throws CliError WRONG_KIND when it is not a group
 */
export function findGroup(session: Session, text: string): string {
  const conversation = findConversation(session, text);
  if (conversation.kind !== 'group') throw new CliError('WRONG_KIND', 'This conversation is not a group.');
  return conversation.groupId;
}

/** Finds a conversation that is listed. @throws CliError UNKNOWN_CONVERSATION */
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

function conversationByKey(text: string): Conversation | undefined {
  if (!/^[dpg]-/.test(text)) return undefined;
  try {
    return parseConversationKey(text);
  } catch {
    // Still a possible name of a contact.
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
  return new CliError('AMBIGUOUS_NAME', `Several ${what} have this name. Use the key.`);
}
