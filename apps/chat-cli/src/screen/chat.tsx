import { parseConversationKey } from '@sotto/conversations';
import { Box, Text, useApp, useInput } from 'ink';
import { useRef, useState } from 'react';
import { explain } from '../explain.js';
import { keyText, titleOf } from '../names.js';
import type { TransportOption } from '../options.js';
import type { Session } from '../session.js';
import { describeTransport, KEY_LEAVES_WARNING } from '../transport.js';
import { helpLines, parseCommand } from './command-line.js';
import { Composer } from './composer.js';
import { ConversationList } from './conversation-list.js';
import { entryLines } from './entry-lines.js';
import { Lines, type ScreenLine } from './lines.js';
import { type Page, pageLines, pageOf } from './page.js';
import { useEntries, useSession } from './use-session.js';
import { useWindowSize } from './use-window-size.js';

const LIST_COLUMNS = 26;
/** In a narrower window the list is not shown beside the conversation. */
const LIST_NEEDS_COLUMNS = 70;
/** Header, title, hint and input line, and one empty row to keep the terminal from scrolling. */
const OTHER_ROWS = 5;
/** In a lower window, header and title give their rows to the conversation. */
const HEADER_NEEDS_ROWS = 10;
const PAGE_ENTRIES = 100;

interface ChatProps {
  readonly session: Session;
  readonly transport: TransportOption;
}

/** The whole screen: conversation list, conversation or page, and input line. */
export function Chat({ session, transport }: ChatProps) {
  const { exit } = useApp();
  const { columns, rows } = useWindowSize();
  const { warning, revision } = useSession(session);
  const [current, setCurrent] = useState<string>();
  const [page, setPage] = useState<Page | undefined>({ lines: welcome(session, transport), codes: [] });
  const [back, setBack] = useState(0);
  const [limit, setLimit] = useState(PAGE_ENTRIES);
  /** Number of lines entered so far. */
  const turns = useRef(0);

  const width = columns;
  const hasHeader = rows >= HEADER_NEEDS_ROWS;
  const height = Math.max(1, rows - OTHER_ROWS + (hasHeader ? 0 : 2));
  const listed = page === undefined && columns >= LIST_NEEDS_COLUMNS;
  const paneWidth = listed ? width - LIST_COLUMNS : width;
  const entries = useEntries(session, page === undefined ? current : undefined, limit, revision);
  const lines = page ? pageLines(page, paneWidth, height) : entryLines(session, entries, paneWidth);
  const most = Math.max(0, lines.length - height);

  const show = (next: { readonly page?: Page | undefined; readonly key?: string | undefined }) => {
    setPage(next.page);
    if ('key' in next) setCurrent(next.key === '' ? undefined : next.key);
    setBack(0);
    setLimit(PAGE_ENTRIES);
  };
  const submit = (text: string) => {
    if (text.trim() === '') return show({});
    const turn = ++turns.current;
    if (/^\/quit\s*$/.test(text)) return exit();
    if (/^\/help\b/.test(text)) return show({ page: { lines: helpLines(), codes: [] } });
    perform(session, text, current).then(
      // The result of an older command does not replace that of a newer one.
      (next) => turn === turns.current && show(next),
      (error) => show({ page: errorPage(error) }),
    );
  };
  const step = (by: number) => {
    const keys = session.conversations.list().map(({ key }) => key);
    const at = current === undefined ? -1 : keys.indexOf(current);
    const next = keys[(at + by + keys.length) % keys.length] ?? keys[0];
    if (next !== undefined) show({ key: next });
  };
  useInput((input, key) => {
    if (key.escape) return show({});
    if (key.ctrl && input === 'n') {
      const unread = session.conversations.list().find((summary) => summary.unread > 0);
      return unread === undefined ? step(1) : show({ key: unread.key });
    }
    if (key.ctrl && input === 'p') return step(-1);
    // A page starts at its first line, a conversation at its last.
    const forth = page === undefined ? -1 : 1;
    if (key.pageUp) setBack((lastBack) => clamp(lastBack - forth * (height - 1), most));
    if (key.pageDown) setBack((lastBack) => clamp(lastBack + forth * (height - 1), most));
    if (key.pageUp && page === undefined && back >= most) setLimit(entries.length + PAGE_ENTRIES);
  });

  const start = page === undefined ? most - Math.min(back, most) : Math.min(back, most);
  const shown = lines.slice(start, start + height);
  return (
    <Box flexDirection="column" height={rows - 1} width={width}>
      {hasHeader && <Header session={session} transport={transport} />}
      {hasHeader && (
        <Text bold wrap="truncate">
          {page === undefined ? titleLine(session, current) : ' '}
        </Text>
      )}
      <Box height={height}>
        {listed && (
          <ConversationList session={session} current={current} width={LIST_COLUMNS} height={height} />
        )}
        <Lines lines={page === undefined ? atBottom(shown, height) : shown} height={height} />
      </Box>
      <Hint
        warning={warning}
        page={page}
        more={page !== undefined && start < most}
        unread={listed ? '' : unreadLine(session)}
      />
      <Composer width={width} onSubmit={submit} />
    </Box>
  );
}

/** Sends a line as a message, or runs the command in it. */
async function perform(session: Session, text: string, current: string | undefined) {
  const line = text.startsWith('/') ? text : `/send ${text}`;
  const { action, args } = parseCommand(line, current);
  const outcome = await action.run(session, args);
  const page = pageOf(outcome);
  return { page, ...(outcome.show !== undefined && { key: outcome.show }) };
}

function errorPage(error: unknown): Page {
  return { lines: [explain(error).message, '', 'Enter goes back.'], codes: [], color: 'red' };
}

function Header({ session, transport }: ChatProps) {
  const { status, identity } = session;
  const color = { connected: 'green', connecting: 'yellow', offline: 'red' }[status];
  return (
    <Text wrap="truncate">
      <Text color={color}>● {status}</Text>
      <Text dimColor>
        {'  '}
        {`${describeTransport(transport)}  ${keyText(identity.publicKey)}`}
      </Text>
    </Text>
  );
}

function Hint({
  warning,
  page,
  more,
  unread,
}: {
  readonly warning: string;
  readonly page: Page | undefined;
  readonly more: boolean;
  readonly unread: string;
}) {
  if (unread !== '') {
    return (
      <Text color="yellow" wrap="truncate">
        {unread}
      </Text>
    );
  }
  if (more) {
    return (
      <Text dimColor wrap="truncate">
        PageDown for more, Enter goes back
      </Text>
    );
  }
  if (warning !== '') {
    return (
      <Text color="yellow" wrap="truncate">
        {warning}
      </Text>
    );
  }
  return (
    <Text dimColor wrap="truncate">
      {page === undefined ? '/help' : 'Enter goes back'}
    </Text>
  );
}

const PROTECTIONS = {
  public: 'anyone can read this',
  'identity-key': 'no forward secrecy yet',
  ratchet: 'forward secrecy',
  'post-quantum': 'post-quantum',
} as const;

/** The conversation's title and protection. */
function titleLine(session: Session, key: string | undefined): string {
  if (key === undefined) return 'No conversation is open: /to NAME, /add CARD NAME, or Ctrl-N';
  const conversation = parseConversationKey(key);
  const summary = session.conversations.get(conversation);
  const said: string[] = summary === undefined ? [] : [PROTECTIONS[summary.protection]];
  if (conversation.kind === 'direct') {
    const { verified, blocked } = session.conversations.person(conversation.peer);
    if (blocked) said.push('blocked, /unblock to undo it');
    else if (summary?.request) said.push('message request: /accept or /block');
    else said.push(verified ? '✓ verified' : 'not verified');
  } else if (summary?.request) said.push('invitation by someone you have not accepted: /accept');
  return `${titleOf(session, conversation)}: ${said.join(', ')}`;
}

/** The senders of unread messages, for windows without the list. */
function unreadLine(session: Session): string {
  const unread = session.conversations.list().filter((summary) => summary.unread > 0);
  if (unread.length === 0) return '';
  const who = unread.map(({ conversation, unread: count }) => `${titleOf(session, conversation)} (${count})`);
  return `New: ${who.join(', ')}. Ctrl-N opens it.`;
}

function welcome(session: Session, transport: TransportOption): string[] {
  return [
    'Welcome. What you can do:',
    '',
    '  /card               shows your card, so that others can add you',
    '  /add CARD NAME      adds someone by their card, link or key',
    '  /to NAME            opens a conversation; /to #name joins a public chat',
    '  /help               everything else',
    '',
    ...(session.conversations.list().length > 0 ? ['Ctrl-N opens your latest conversation.'] : []),
    ...(transport.kind === 'memory'
      ? ['Nothing is kept in this session. Echo repeats what you write: /to Echo']
      : []),
    ...(transport.kind === 'node' ? [KEY_LEAVES_WARNING] : []),
  ];
}

/** Pads above, so that few lines are at the bottom, next to where a new one appears. */
function atBottom(lines: readonly ScreenLine[], height: number): ScreenLine[] {
  return [...Array.from({ length: Math.max(0, height - lines.length) }, () => ({ text: '' })), ...lines];
}

function clamp(value: number, max: number): number {
  return Math.max(0, Math.min(value, max));
}
