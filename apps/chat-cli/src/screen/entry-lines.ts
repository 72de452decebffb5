import { describeNotice, type Entry, explainCode, type Message } from '@sotto/conversations';
import { attachmentOf, sizeText } from '../files.js';
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
  const { own, sender, state, failure, late, storedAt, edited, reactions, replyTo, timer } = message;
  const answer = replyTo === undefined ? '' : '↪ ';
  const reacted = reactions.map(({ reaction }) => REACTIONS[reaction] ?? '?').join('');
  const text = `${answer}${textOf(message)}${edited ? ' (edited)' : ''}${reacted && `  [${reacted}]`}`;
  const mark = MARKS[state];
  const style = own ? { color: state === 'failed' ? 'red' : 'cyan' } : {};
  const shown = wrapped(
    `${timeOf(storedAt)} ${nameOf(session, sender)}: ${text}${late ? '  (after removal)' : ''}${timer === undefined ? '' : '  ⏱'}${mark}`,
    width,
    style,
  );
  if (state !== 'failed') return shown;
  const reason = explainCode(failure ?? 'TRANSPORT_REFUSED');
  return [...shown, ...wrapped(`  ${reason} /retry or /giveup`, width, { dim: true })];
}

const TAB_COLUMNS = 8;

const MARKS: Readonly<Record<Message['state'], string>> = {
  received: '',
  sent: '',
  pending: '  … waiting',
  delivered: '  ✓',
  read: '  ✓✓',
  failed: '  ✗ not sent',
};

/** By number, as messages have them. */
const REACTIONS: Readonly<Record<number, string>> = { 1: '♥', 2: '👍', 3: '👎', 4: '😂', 5: '😢', 6: '😠' };

function textOf({ content, number }: Message): string {
  switch (content.kind) {
    case 'text':
      return lines(content.text);
    case 'image':
      return `(picture, ${content.picture.length} bytes)${content.text && ` ${lines(content.text)}`}`;
    case 'file': {
      const { name = '', size } = attachmentOf(content) ?? {};
      const what =
        size === undefined ? 'that cannot be read' : `${plain(name)}, ${sizeText(size)}: /save ${number}`;
      return `(file ${what})${content.text && ` ${lines(content.text)}`}`;
    }
    case 'deleted':
      return '(deleted)';
    case 'other':
      return `(${content.payload.length} bytes that are not text)`;
  }
}

function lines(text: string): string {
  return text
    .split('\n')
    .map((line) => plain(withoutTabs(line)))
    .join('\n');
}

/** Tabs as spaces, up to the next of the columns where terminals have them. */
function withoutTabs(line: string): string {
  let shown = '';
  for (const character of line) {
    shown += character === '\t' ? ' '.repeat(TAB_COLUMNS - (shown.length % TAB_COLUMNS)) : character;
  }
  return shown;
}

function timeOf(milliseconds: number): string {
  const date = new Date(milliseconds);
  const today = new Date().toDateString() === date.toDateString();
  return new Intl.DateTimeFormat(
    undefined,
    today ? { timeStyle: 'short' } : { dateStyle: 'short', timeStyle: 'short' },
  ).format(date);
}
