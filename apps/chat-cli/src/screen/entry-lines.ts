import { type Entry, explainCode, type Message, type NoticeContent } from '@sotto/conversations';
import type { PublicKey } from '@sotto/core';
import { nameOf, plain } from '../names.js';
import type { Session } from '../session.js';
import { type ScreenLine, wrapped } from './lines.js';

/** What stands in a conversation, as lines of the screen. */
export function entryLines(session: Session, entries: readonly Entry[], width: number): ScreenLine[] {
  return entries.flatMap((entry) =>
    entry.kind === 'message'
      ? messageLines(session, entry, width)
      : wrapped(`- ${sentenceOf(entry.notice, (identity) => nameOf(session, identity))}`, width, {
          dim: true,
        }),
  );
}

function messageLines(session: Session, message: Message, width: number): ScreenLine[] {
  const { own, sender, content, state, failure, late, storedAt } = message;
  const text =
    content.kind === 'text'
      ? content.text.split('\n').map(plain).join('\n')
      : `(${content.payload.length} bytes that are no text)`;
  const mark = { received: '', sent: '', pending: '  … waiting', failed: '  ✗ not sent' }[state];
  const style = own ? { color: state === 'failed' ? 'red' : 'cyan' } : {};
  const lines = wrapped(
    `${timeOf(storedAt)} ${nameOf(session, sender)}: ${text}${late ? '  (after removal)' : ''}${mark}`,
    width,
    style,
  );
  if (state !== 'failed') return lines;
  const reason = explainCode(failure ?? 'TRANSPORT_REFUSED');
  return [...lines, ...wrapped(`  ${reason} /retry or /giveup`, width, { dim: true })];
}

function timeOf(milliseconds: number): string {
  const date = new Date(milliseconds);
  const today = new Date().toDateString() === date.toDateString();
  return new Intl.DateTimeFormat(
    undefined,
    today ? { timeStyle: 'short' } : { dateStyle: 'short', timeStyle: 'short' },
  ).format(date);
}

/** What happened to a conversation, in a sentence. */
function sentenceOf(notice: NoticeContent, nameFor: (identity: PublicKey) => string): string {
  switch (notice.what) {
    case 'decryption-failed':
      return notice.answered
        ? 'A message could not be read on this device. The sender was told; the next one will be readable.'
        : 'A message could not be read on this device.';
    case 'new-device':
      return 'A new device of this person appeared. If you did not expect that, ask.';
    case 'group-change-lost': {
      const who = nameFor(notice.author);
      const whom = notice.subjects.map(nameFor).join(', ');
      const change = {
        create: 'created the group',
        rename: 'renamed the group',
        add: `added ${whom}`,
        remove: `removed ${whom}`,
        promote: `made ${whom} an administrator`,
        demote: `took administration from ${whom}`,
        leave: 'left the group',
      }[notice.kind];
      return `It has no effect that ${who} ${change}: somebody else changed the group at the same time.`;
    }
    case 'group-changed': {
      const { name, joined, left } = notice;
      return [
        ...(name === undefined ? [] : [`The group is called "${plain(name)}".`]),
        ...(joined.length > 0 ? [`Joined: ${joined.map(nameFor).join(', ')}.`] : []),
        ...(left.length > 0 ? [`Left: ${left.map(nameFor).join(', ')}.`] : []),
      ].join(' ');
    }
  }
}
