import { conversationKey, type Message } from '@sotto/conversations';
import type { StatusClient } from '@sotto/status-messages/client';
import { CliError } from '../cli-error.js';
import { entryJson, groupJson } from '../json-shapes.js';
import { findConversation, findGroup, findListed, findPerson } from '../names.js';
import type { Session } from '../session.js';
import { type Action, type Arguments, CURRENT, type Parameter } from './action.js';

/** Entries among which the last message is looked for. */
const PAGE = 50;

/** The number of a message, for programs; people mean the last one. */
const MESSAGE: Parameter = { name: 'message', kind: 'word', optional: true };

const REACTIONS = ['love', 'up', 'down', 'laugh', 'sad', 'angry'];

/** @throws CliError BAD_OPTION */
function statusOf({ statusClient }: Session): StatusClient {
  if (statusClient === undefined)
    throw new CliError('BAD_OPTION', 'This needs the option --profile at the start.');
  return statusClient;
}

/** The named message, or the last one of ours or of others. @throws CliError BAD_REQUEST */
async function messageIn(session: Session, args: Arguments, own: boolean): Promise<Message> {
  const { conversation } = findListed(session, args.text('conversation'));
  const number = args.number('message');
  const range = number === undefined ? { limit: PAGE } : { before: number + 1, limit: 1 };
  const entries = await session.conversations.entries(conversation, range);
  const found = entries.findLast(
    (entry) =>
      entry.kind === 'message' &&
      entry.reference !== undefined &&
      (number === undefined ? entry.own === own : entry.number === number),
  );
  if (found?.kind !== 'message')
    throw new CliError('BAD_REQUEST', 'There is no such message of a Status client.');
  return found;
}

const reply: Action = {
  name: 'reply',
  about: 'answers the last message of others: /reply TEXT',
  parameters: [CURRENT, { name: 'text', kind: 'rest' }, MESSAGE],
  async run(session, args) {
    statusOf(session);
    const { reference: replyTo } = await messageIn(session, args, false);
    const conversation = findConversation(session, args.text('conversation'));
    const message = await session.conversations.send(conversation, args.text('text'), { replyTo });
    return { value: entryJson(session, conversationKey(conversation), message) };
  },
};

const edit: Action = {
  name: 'edit',
  about: 'replaces the text of your last message: /edit TEXT',
  parameters: [CURRENT, { name: 'text', kind: 'rest' }, MESSAGE],
  async run(session, args) {
    statusOf(session);
    const message = await messageIn(session, args, true);
    const conversation = findConversation(session, args.text('conversation'));
    await session.conversations.edit(conversation, message, args.text('text'));
    return { value: { number: message.number } };
  },
};

const unsay: Action = {
  name: 'delete',
  about: 'deletes your last message for everyone',
  parameters: [CURRENT, MESSAGE],
  async run(session, args) {
    statusOf(session);
    const message = await messageIn(session, args, true);
    const conversation = findConversation(session, args.text('conversation'));
    await session.conversations.deleteForAll(conversation, message);
    return { value: { number: message.number } };
  },
};

const react: Action = {
  name: 'react',
  about: `reacts to the last message of others: ${REACTIONS.join(', ')}`,
  parameters: [CURRENT, { name: 'reaction', kind: 'word' }, MESSAGE],
  async run(session, args) {
    statusOf(session);
    const reaction = REACTIONS.indexOf(args.text('reaction')) + 1;
    if (reaction === 0) throw new CliError('BAD_REQUEST', `A reaction is one of ${REACTIONS.join(', ')}.`);
    const message = await messageIn(session, args, false);
    const conversation = findConversation(session, args.text('conversation'));
    await session.conversations.react(conversation, message, reaction);
    return { value: { number: message.number } };
  },
};

const ask: Action = {
  name: 'ask',
  about: 'asks this person, with a text, to become a contact in their Status client',
  parameters: [CURRENT, { name: 'text', kind: 'rest' }],
  async run(session, args) {
    const person = findPerson(session, args.text('conversation'));
    const { messageId } = await statusOf(session).contacts.request(person, args.text('text'));
    return { value: { reference: messageId }, said: ['You asked.'] };
  },
};

const statusGroup: Action = {
  name: 'status-group',
  about: 'creates a group for Status clients, with weaker rules: /status-group "Our hike" Ada Bob',
  parameters: [
    { name: 'name', kind: 'word' },
    { name: 'members', kind: 'words' },
  ],
  async run(session, args) {
    const members = args.list('members').map((text) => findPerson(session, text));
    const { id } = await statusOf(session).groups.create(args.text('name').trim(), members);
    const { key, group } = await session.conversations.open({ kind: 'group', groupId: id });
    return { value: { conversation: key, ...(group && { group: groupJson(session, group) }) }, show: key };
  },
};

const join: Action = {
  name: 'join',
  about: 'joins this Status group, to which somebody added you whom you had not accepted',
  parameters: [CURRENT],
  async run(session, args) {
    const groupId = findGroup(session, args.text('conversation'));
    await statusOf(session).groups.join(groupId);
    return { value: { conversation: conversationKey({ kind: 'group', groupId }) } };
  },
};

const receipts: Action = {
  name: 'receipts',
  about: 'tells others what you have read, and you what they have: /receipts on, /receipts off',
  parameters: [{ name: 'answer', kind: 'word', optional: true }],
  async run(session, args) {
    statusOf(session);
    const answer = args.text('answer');
    if (answer !== '' && answer !== 'on' && answer !== 'off')
      throw new CliError('BAD_REQUEST', 'Read receipts are on or off.');
    if (answer !== '') await session.conversations.setReadReceipts(answer === 'on');
    const { readReceipts } = session.conversations;
    return { value: { receipts: readReceipts }, said: [`Read receipts are ${readReceipts ? 'on' : 'off'}.`] };
  },
};

/** What only works with Status clients, by the option `--profile`. */
export const STATUS: readonly Action[] = [reply, edit, unsay, react, ask, statusGroup, join, receipts];
