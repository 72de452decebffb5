import { describeNotice, type Entry, explainCode, type Message } from '@sotto/conversations';
import { nameOf, plain } from '../names.js';
import type { Session } from '../session.js';
import { type ScreenLine, wrapped } from './lines.js';

/** The entries of a conversation as lines of the screen. */
export function entryLines(session: Session, entries: readonly Entry[], width: number): ScreenLine[] {
  return entries.flatMap((entry) =>
    entry.kind === 'message'
      ? messageLines(session, entry, width)
      : wrapped(`- ${plain(describeNotice(entry.notice, (identity) => nameOf(session, identity)))}`, width, {
          dim: true,
        }),
  );
}

function messageLines(session: Session, message: Message, width: number): ScreenLine[] {
  const { own, sender, content, state, failure, late, storedAt } = message;
  const text =
    content.kind === 'text'
      ? content.text.split('\n').map(plain).join('\n')
      : `(${content.payload.length} bytes that are not text)`;
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
