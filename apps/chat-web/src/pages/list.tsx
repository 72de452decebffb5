import {
  type ConversationSummary,
  conversationKey,
  type SearchResult,
  searchMessages,
} from '@sotto/conversations';
import { useEffect, useState } from 'preact/hooks';
import { Avatar } from '../components/avatar.js';
import { ConversationTitle } from '../components/conversation-title.js';
import { Icon } from '../components/icon.js';
import { Portrait } from '../components/portrait.js';
import { Time } from '../components/time.js';
import { contentWords } from '../content-words.js';
import { nameOf, shortTimeOf } from '../format.js';
import { formatRoute, route } from '../route.js';
import type { Session } from '../session.js';
import { useSession } from '../session-context.js';
import { lock } from '../state.js';
import { useRevision } from '../use-revision.js';

/** Found messages that are shown. */
const MOST_FOUND = 50;
/** A search begins when nothing was typed for so long, in milliseconds. */
const SEARCH_AFTER_MS = 200;

/** All conversations, the latest first, and the ways to everything else. */
export function ConversationList() {
  const { conversations, identity, ownDevices } = useSession();
  useRevision();
  const [query, setQuery] = useState('');
  const all = conversations.list();
  const list = all.filter(({ request }) => !request);
  const requests = all.filter(({ request }) => request);
  const waiting = ownDevices.waiting.value.length;
  return (
    <nav class="list" aria-label="Conversations">
      <header class="bar">
        <a class="me" href={formatRoute({ page: 'card' })}>
          <Portrait identity={identity.publicKey} />
          My card
        </a>
        <a class="button primary" href={formatRoute({ page: 'new', text: '' })}>
          New
        </a>
      </header>
      {list.length > 0 && (
        <search class="search">
          <input
            type="search"
            aria-label="Search"
            placeholder="Search"
            value={query}
            onInput={({ currentTarget: { value } }) => setQuery(value)}
            onKeyDown={({ key }) => key === 'Escape' && setQuery('')}
          />
        </search>
      )}
      {query.trim() !== '' ? (
        <Found query={query} list={list} />
      ) : (
        <>
          {all.length === 0 && <Beginning />}
          <ul class="rows">
            {list.map((summary) => (
              <Row key={summary.key} summary={summary} />
            ))}
          </ul>
        </>
      )}
      {requests.length > 0 && (
        <details class="requests">
          <summary>
            Message requests{' '}
            <span class="unread">
              {requests.length}
              <span class="sr-only"> from people you don't know yet</span>
            </span>
          </summary>
          <ul>
            {requests.map((summary) => (
              <Row key={summary.key} summary={summary} />
            ))}
          </ul>
        </details>
      )}
      <footer class="bar">
        <a href={formatRoute({ page: 'devices' })}>
          Devices
          {waiting > 0 && (
            <span class="unread">
              {waiting}
              <span class="sr-only"> waiting to be paired</span>
            </span>
          )}
        </a>
        <a href={formatRoute({ page: 'settings' })}>Settings</a>
        <button type="button" class="link" onClick={() => void lock()}>
          Lock
        </button>
      </footer>
    </nav>
  );
}

/** No conversation yet: how to get to one. */
function Beginning() {
  const { recovered } = useSession();
  if (recovered.value) return null;
  return (
    <div class="beginning">
      <p>
        <strong>No conversations yet.</strong>
      </p>
      <p>Whoever has your card can write to you, and you to them once you have theirs.</p>
      <a class="button" href={formatRoute({ page: 'card' })}>
        Show your card
      </a>
      <a class="button" href={formatRoute({ page: 'new', text: '' })}>
        Add someone's card
      </a>
    </div>
  );
}

function Row({ summary }: { readonly summary: ConversationSummary }) {
  const { key, conversation, group, lastActivity, unread, muted } = summary;
  const now = route.value;
  const current = 'conversation' in now && conversationKey(now.conversation) === key;
  return (
    <li>
      <a
        class={`conversation ${unread > 0 ? 'is-unread' : ''}`}
        href={formatRoute({ page: 'conversation', conversation })}
        aria-current={current ? 'page' : undefined}
      >
        <Avatar conversation={conversation} group={group} />
        <span class="title">
          <ConversationTitle conversation={conversation} group={group} />
          {muted && (
            <span class="muted" title="Muted">
              <Icon name="muted" />
              <span class="sr-only"> (muted)</span>
            </span>
          )}
        </span>
        <Time at={lastActivity} as={shortTimeOf} />
        <span class="preview">
          <Preview summary={summary} />
        </span>
        {unread > 0 && (
          <span class={muted ? 'unread quiet' : 'unread'}>
            {unread}
            <span class="sr-only"> unread</span>
          </span>
        )}
      </a>
    </li>
  );
}

function Preview({ summary }: { readonly summary: ConversationSummary }) {
  const session = useSession();
  const { conversation, lastMessage, group, draft } = summary;
  if (draft !== '') {
    return (
      <>
        <span class="draft">Draft: </span>
        <bdi>{draft.slice(0, 120)}</bdi>
      </>
    );
  }
  if (lastMessage === undefined)
    return <>{group && !group.joined ? 'You are not a member.' : 'No messages yet.'}</>;
  const { content, own, state, sender } = lastMessage;
  return (
    <>
      {state === 'failed' && <span class="failed-sign">Not sent: </span>}
      {own ? 'You: ' : conversation.kind !== 'direct' && `${nameOf(session, sender)}: `}
      <bdi>{contentWords(content)}</bdi>
    </>
  );
}

interface FoundProps {
  readonly query: string;
  readonly list: readonly ConversationSummary[];
}

/** Conversations whose name, and messages whose text, has what was typed. */
function Found({ query, list }: FoundProps) {
  const session = useSession();
  const [results, setResults] = useState<readonly SearchResult[]>([]);
  const [busy, setBusy] = useState(true);
  useEffect(() => {
    const ended = new AbortController();
    setBusy(true);
    const timer = setTimeout(async () => {
      const found: SearchResult[] = [];
      try {
        for await (const result of searchMessages(session.conversations, query, { signal: ended.signal })) {
          found.push(result);
          if (found.length === MOST_FOUND) break;
        }
      } catch {
        // The store was closed meanwhile.
      }
      if (ended.signal.aborted) return;
      setResults(found);
      setBusy(false);
    }, SEARCH_AFTER_MS);
    return () => {
      clearTimeout(timer);
      ended.abort();
    };
  }, [query, session]);
  useEffect(() => {
    // What was found may be deleted or disappear.
    return session.conversations.subscribe((change) => {
      if (change.what !== 'conversation') return;
      const isChanged = ({ conversation, message }: SearchResult) =>
        conversationKey(conversation) === change.key && (change.numbers?.includes(message.number) ?? true);
      for (const { conversation, message } of results.filter(isChanged)) {
        const { number } = message;
        session.conversations.entries(conversation, { from: number, limit: 1 }).then(
          ([entry]) => {
            if (entry?.number === number && entry.kind === 'message' && entry.content.kind !== 'deleted')
              return;
            setResults((all) => all.filter((one) => one.message !== message));
          },
          () => undefined,
        );
      }
    });
  }, [results, session]);
  const named = list.filter((summary) => titleOf(session, summary).includes(query.trim().toLowerCase()));
  return (
    <div class="rows">
      {named.length > 0 && (
        <ul aria-label="Conversations found">
          {named.map((summary) => (
            <Row key={summary.key} summary={summary} />
          ))}
        </ul>
      )}
      <p class="hint found-count" role="status">
        {busy
          ? 'Searching messages…'
          : results.length === 0
            ? 'No messages found.'
            : `${results.length === MOST_FOUND ? 'The latest ' : ''}${results.length} ${results.length === 1 ? 'message' : 'messages'} found`}
      </p>
      <ul aria-label="Messages found">
        {results.map(({ conversation, message }) => (
          <li key={`${conversationKey(conversation)}-${message.number}`}>
            <a
              class="conversation"
              href={formatRoute({ page: 'conversation', conversation, at: message.number })}
            >
              <Avatar conversation={conversation} group={session.conversations.get(conversation)?.group} />
              <span class="title">
                <ConversationTitle
                  conversation={conversation}
                  group={session.conversations.get(conversation)?.group}
                />
              </span>
              <Time at={message.storedAt} as={shortTimeOf} />
              <span class="preview">
                <bdi>
                  {'text' in message.content && message.content.text !== ''
                    ? around(message.content.text, query)
                    : contentWords(message.content)}
                </bdi>
              </span>
            </a>
          </li>
        ))}
      </ul>
    </div>
  );
}

/** A text from a little before what was searched for. */
function around(text: string, query: string): string {
  const [word = ''] = query.trim().toLowerCase().split(/\s+/);
  const place = text.toLowerCase().indexOf(word);
  return place > 30 ? `…${text.slice(place - 20, place + 100)}` : text.slice(0, 120);
}

function titleOf(session: Session, { conversation, group }: ConversationSummary): string {
  switch (conversation.kind) {
    case 'direct':
      return nameOf(session, conversation.peer).toLowerCase();
    case 'public':
      return `#${conversation.name}`;
    case 'group':
      return (group?.name ?? '').toLowerCase();
  }
}
