import { conversationKey } from '@sotto/conversations';
import { useEffect } from 'preact/hooks';
import { NewDevice } from './components/new-device.js';
import { Card } from './pages/card.js';
import { ConversationPage } from './pages/conversation.js';
import { Details } from './pages/details.js';
import { Devices } from './pages/devices.js';
import { ConversationList } from './pages/list.js';
import { NewChat, NewGroup, NewPerson } from './pages/new.js';
import { Settings } from './pages/settings.js';
import { formatRoute, route } from './route.js';
import { useSession } from './session-context.js';
import { useRevision } from './use-revision.js';

/** The list of conversations and, beside it or instead of it, what is open. */
export function Shell() {
  const { page } = route.value;
  return (
    <div class={`shell ${page === 'list' ? 'at-list' : 'at-page'}`}>
      <UnreadTitle />
      <Status />
      <ConversationList />
      <Opened />
    </div>
  );
}

function Opened() {
  const now = route.value;
  switch (now.page) {
    case 'list':
      return (
        <main class="page empty">
          <div>
            <img class="logo" src="./icon.svg" alt="" width="72" height="72" />
            <h1>Conversations</h1>
            <p>Choose a conversation, or start one with “New”.</p>
          </div>
        </main>
      );
    case 'card':
      return <Card />;
    case 'devices':
      return <Devices />;
    case 'settings':
      return <Settings key={now.setting} setting={now.setting} />;
    case 'new':
      return <NewPerson key={now.text} text={now.text} />;
    case 'new-chat':
      return <NewChat />;
    case 'new-group':
      return <NewGroup />;
    case 'conversation': {
      const { conversation, at } = now;
      return (
        <ConversationPage
          key={`${conversationKey(conversation)} ${at}`}
          conversation={conversation}
          at={at}
        />
      );
    }
    case 'details':
      return <Details key={conversationKey(now.conversation)} conversation={now.conversation} />;
  }
}

/** Shown on every page: the connection, and notices. */
function Status() {
  const { status, notices, ownDevices, recovered } = useSession();
  return (
    <div class="status">
      <div role="status">
        {status.value === 'connecting' && <p class="quiet">Connecting…</p>}
        {status.value === 'offline' && (
          <p class="offline">Offline. What you write is kept and sent when the node can be reached.</p>
        )}
        {notices.value.map((notice) => (
          <p key={notice} class="notice">
            {notice}{' '}
            <button
              type="button"
              class="link"
              onClick={() => {
                notices.value = notices.value.filter((other) => other !== notice);
              }}
            >
              Understood
            </button>
          </p>
        ))}
        {ownDevices.waiting.value.length > 0 && !recovered.value && route.value.page !== 'devices' && (
          <p class="notice">
            Another device has opened your account.{' '}
            <a href={formatRoute({ page: 'devices' })}>Look at your devices</a>
          </p>
        )}
      </div>
      <NewDevice />
    </div>
  );
}

/** The title changes when the number has stayed the same for so long, in milliseconds. */
const TITLE_AFTER_MS = 200;

/** How many messages are unread, in the title of the tab. */
function UnreadTitle() {
  const { conversations } = useSession();
  useRevision();
  const unread = conversations.list().reduce((sum, { unread, muted }) => sum + (muted ? 0 : unread), 0);
  useEffect(() => {
    // What is read as it comes would only make it flicker.
    const timer = setTimeout(() => {
      document.title = unread > 0 ? `(${unread}) Sotto` : 'Sotto';
    }, TITLE_AFTER_MS);
    return () => clearTimeout(timer);
  }, [unread]);
  return null;
}
