import { conversationKey } from '@sotto/conversations';
import { CliError } from '../cli-error.js';
import { entryJson, summaryJson } from '../json-shapes.js';
import { findConversation, findListed, titleOf } from '../names.js';
import type { Session } from '../session.js';
import { type Action, type Arguments, CURRENT } from './action.js';

const PAGE = 50;

const list: Action = {
  name: 'list',
  about: 'lists your conversations, latest first',
  parameters: [],
  async run(session) {
    const summaries = session.conversations.list();
    return {
      value: { conversations: summaries.map((summary) => summaryJson(session, summary)) },
      said:
        summaries.length === 0
          ? ['No conversations yet: /add someone, or /to #a-public-chat.']
          : summaries.map(
              ({ conversation, unread, request }) =>
                `${titleOf(session, conversation)}${unread > 0 ? `  ${unread} new` : ''}${request ? '  (request)' : ''}`,
            ),
    };
  },
};

const to: Action = {
  name: 'to',
  about: 'opens a conversation: /to NAME, /to #public-chat (joins it), /to KEY',
  parameters: [{ name: 'conversation', kind: 'rest' }],
  async run(session, args) {
    const conversation = findConversation(session, args.text('conversation'));
    const summary = await session.conversations.open(conversation);
    return { value: summaryJson(session, summary), show: summary.key };
  },
};

const send: Action = {
  name: 'send',
  about: 'sends a text; so does a line without a command',
  parameters: [CURRENT, { name: 'text', kind: 'rest' }],
  async run(session, args) {
    const conversation = findConversation(session, args.text('conversation'));
    const message = await session.conversations.send(conversation, args.text('text'));
    return { value: entryJson(session, conversationKey(conversation), message) };
  },
};

const history: Action = {
  name: 'history',
  about: `the last ${PAGE} entries, or \`limit\` entries before number \`before\``,
  parameters: [
    CURRENT,
    { name: 'limit', kind: 'word', optional: true },
    { name: 'before', kind: 'word', optional: true },
  ],
  forPrograms: true,
  async run(session, args) {
    const { key, conversation } = findListed(session, args.text('conversation'));
    const before = args.number('before');
    const entries = await session.conversations.entries(conversation, {
      limit: args.number('limit') ?? PAGE,
      ...(before !== undefined && { before }),
    });
    return { value: { conversation: key, entries: entries.map((entry) => entryJson(session, key, entry)) } };
  },
};

const read: Action = {
  name: 'read',
  about: 'marks a conversation as read; unread messages are reported again at the next start',
  parameters: [CURRENT],
  forPrograms: true,
  async run(session, args) {
    const { key, conversation } = findListed(session, args.text('conversation'));
    await session.conversations.markRead(conversation);
    return { value: { conversation: key } };
  },
};

const remove: Action = {
  name: 'remove',
  about: 'removes this conversation from this device; leaves a public chat, but not a group',
  parameters: [CURRENT],
  async run(session, args) {
    const { key, conversation } = findListed(session, args.text('conversation'));
    await session.conversations.remove(conversation);
    return { value: { conversation: key }, show: '' };
  },
};

const flush: Action = {
  name: 'flush',
  about: 'waits until every message was sent or cannot be sent now',
  parameters: [],
  forPrograms: true,
  async run({ messenger }) {
    await messenger.flushed();
    return { value: { unsent: (await messenger.outbox.pending()).size } };
  },
};

/** Id of the named message, or of the last one that failed in the conversation. @throws CliError NOTHING_FAILED */
async function failedMessage(session: Session, args: Arguments): Promise<string> {
  const id = args.optional('message');
  if (id !== undefined) return id;
  const { conversation } = findListed(session, args.text('conversation'));
  const entries = await session.conversations.entries(conversation, { limit: PAGE });
  const failed = entries.findLast((entry) => entry.kind === 'message' && entry.state === 'failed');
  if (failed?.kind !== 'message')
    throw new CliError('NOTHING_FAILED', 'No recent message of this conversation has failed.');
  return failed.id;
}

const retry: Action = {
  name: 'retry',
  about: 'sends the last failed message again',
  parameters: [CURRENT, { name: 'message', kind: 'word', optional: true }],
  async run(session, args) {
    const id = await failedMessage(session, args);
    await session.conversations.retry(id);
    return { value: { id } };
  },
};

const giveUp: Action = {
  name: 'giveup',
  about: 'deletes the last failed message; it is never sent',
  parameters: [CURRENT, { name: 'message', kind: 'word', optional: true }],
  async run(session, args) {
    const id = await failedMessage(session, args);
    await session.conversations.giveUp(id);
    return { value: { id } };
  },
};

export const CONVERSATIONS: readonly Action[] = [list, to, send, history, read, remove, flush, retry, giveUp];
