import { conversationKey, describeDuration, type Message } from '@sotto/conversations';
import type { BlobStore } from '@sotto/core';
import { CliError } from '../cli-error.js';
import { attachmentOf, saveFile, storeFile } from '../files.js';
import { entryJson } from '../json-shapes.js';
import { findConversation, findListed } from '../names.js';
import type { Session } from '../session.js';
import { type Action, CURRENT } from './action.js';

/** @throws CliError BAD_OPTION */
function blobsOf({ blobs }: Session): BlobStore {
  if (blobs === undefined)
    throw new CliError('BAD_OPTION', 'Files need --blobs URL at the start: a server that stores them.');
  return blobs;
}

const attach: Action = {
  name: 'attach',
  about: 'sends a file: /attach FILE, /attach "My photo.jpg" TEXT',
  parameters: [CURRENT, { name: 'file', kind: 'word' }, { name: 'text', kind: 'rest', optional: true }],
  async run(session, args) {
    const conversation = findConversation(session, args.text('conversation'));
    if (conversation.kind === 'public')
      throw new CliError('WRONG_KIND', 'Everyone could read a file in a public chat.');
    const attachment = await storeFile(blobsOf(session), args.text('file'));
    const text = args.optional('text');
    const message = await session.conversations.sendFile(conversation, attachment, { text });
    return { value: entryJson(session, conversationKey(conversation), message) };
  },
};

const save: Action = {
  name: 'save',
  about: 'saves the file with this number: /save NUMBER, /save NUMBER PATH',
  parameters: [CURRENT, { name: 'message', kind: 'word' }, { name: 'path', kind: 'rest', optional: true }],
  async run(session, args) {
    const blobs = blobsOf(session);
    const message = await messageAt(session, args.text('conversation'), args.number('message') ?? 0);
    const attachment = message?.content.kind === 'file' ? attachmentOf(message.content) : undefined;
    if (attachment === undefined)
      throw new CliError('BAD_REQUEST', 'There is no file with this number that can be read.');
    const file = await saveFile(blobs, attachment, args.optional('path'));
    return { value: { file, size: attachment.size }, said: [`Saved to ${file}`] };
  },
};

async function messageAt(session: Session, name: string, number: number): Promise<Message | undefined> {
  const { conversation } = findListed(session, name);
  const [entry] = await session.conversations.entries(conversation, { from: number, before: number + 1 });
  return entry?.kind === 'message' ? entry : undefined;
}

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400, w: 604_800 };

/** Seconds of a time such as `30s`, `5m`, `1h`, `2d` or `1w`. @throws CliError BAD_REQUEST */
function secondsOf(time: string): number | undefined {
  if (time === 'off') return undefined;
  const [, count, unit = ''] = /^(\d{1,8})([a-z])$/.exec(time) ?? [];
  const seconds = UNITS[unit];
  if (seconds === undefined)
    throw new CliError('BAD_REQUEST', 'A time is such as 30s, 5m, 1h, 2d or 1w, or off.');
  return Number(count) * seconds;
}

const disappear: Action = {
  name: 'disappear',
  about: 'lets new messages disappear after they are read: /disappear 1h, 30s, 2d, 1w, off',
  parameters: [CURRENT, { name: 'time', kind: 'word', optional: true }],
  async run(session, args) {
    const conversation = findConversation(session, args.text('conversation'));
    const time = args.optional('time');
    if (time !== undefined) await session.conversations.setDisappearing(conversation, secondsOf(time));
    const seconds = session.conversations.get(conversation)?.disappearing;
    return {
      value: { conversation: conversationKey(conversation), ...(seconds !== undefined && { seconds }) },
      said: [
        seconds === undefined
          ? 'New messages stay.'
          : `New messages disappear ${describeDuration(seconds)} after they are read.`,
      ],
    };
  },
};

/** Files, and messages that disappear. */
export const FILES: readonly Action[] = [attach, save, disappear];
