import type { ConversationSummary } from '@sotto/conversations';
import { conversationKey } from '@sotto/conversations';
import { ConversationTitle } from '../components/conversation-title.js';
import { Identicon } from '../components/identicon.js';
import { Protection } from '../components/protection.js';
import { timeOf } from '../format.js';
import { formatRoute, route } from '../route.js';
import { useSession } from '../session-context.js';
import { lock } from '../state.js';

/** All conversations, the latest first, and the ways to everything else. */
export function ConversationList() {
  const { conversations, revision, identity, ownDevices } = useSession();
  void revision.value;
  const all = conversations.list();
  const list = all.filter(({ request }) => !request);
  const requests = all.filter(({ request }) => request);
  const waiting = ownDevices.value.filter(({ enabled }) => !enabled).length;
  return (
    <nav class="list" aria-label="Conversations">
      <header class="bar">
        <a class="me" href={formatRoute({ page: 'card' })}>
          <Identicon identity={identity.publicKey} />
          My card
        </a>
        <a class="button primary" href={formatRoute({ page: 'new', text: '' })}>
          New
        </a>
      </header>
      {all.length === 0 && (
        <p class="content hint">
          No conversations yet. Show your card to someone, or add a card that you were given with “New”.
        </p>
      )}
      <ul>
        {list.map((summary) => (
          <Row key={summary.key} summary={summary} />
        ))}
      </ul>
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

function Row({ summary }: { readonly summary: ConversationSummary }) {
  const { key, conversation, group, lastActivity, unread, protection } = summary;
  const now = route.value;
  const current = 'conversation' in now && conversationKey(now.conversation) === key;
  return (
    <li>
      <a
        class="conversation"
        href={formatRoute({ page: 'conversation', conversation })}
        aria-current={current ? 'page' : undefined}
      >
        {conversation.kind === 'direct' ? (
          <Identicon identity={conversation.peer} />
        ) : (
          <span class="identicon small sign" aria-hidden="true">
            {conversation.kind === 'public' ? '#' : '⁂'}
          </span>
        )}
        <span class="title">
          <ConversationTitle conversation={conversation} group={group} />
        </span>
        <time>{timeOf(lastActivity)}</time>
        <span class="preview">
          <Preview summary={summary} />
        </span>
        <span class="badges">
          {protection !== 'ratchet' && <Protection protection={protection} />}
          {unread > 0 && (
            <span class="unread">
              {unread}
              <span class="sr-only"> unread</span>
            </span>
          )}
        </span>
      </a>
    </li>
  );
}

function Preview({ summary: { lastMessage, group } }: { readonly summary: ConversationSummary }) {
  if (lastMessage === undefined)
    return <>{group && !group.joined ? 'You are not a member.' : 'No messages yet.'}</>;
  const { content, own } = lastMessage;
  return (
    <>
      {own && 'You: '}
      <bdi>{content.kind === 'text' ? content.text.slice(0, 120) : "A message that this app can't show"}</bdi>
    </>
  );
}
