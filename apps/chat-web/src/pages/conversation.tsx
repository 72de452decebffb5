import { conversationKey, describeNotice, type Entry, explainCode, type Message } from '@sotto/conversations';
import type { PublicKey } from '@sotto/core';
import type { Conversation } from '@sotto/messenger';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { Composer } from '../components/composer.js';
import { ConfirmButton } from '../components/confirm-button.js';
import { ConversationTitle } from '../components/conversation-title.js';
import { Explained } from '../components/explained.js';
import { Identicon } from '../components/identicon.js';
import { Page } from '../components/page.js';
import { PersonName } from '../components/person-name.js';
import { Protection } from '../components/protection.js';
import { isSame, nameOf, timeOf } from '../format.js';
import { formatRoute, go } from '../route.js';
import { useSession } from '../session-context.js';
import { useTask } from '../use-task.js';

/** Entries that are shown at first, and added by each “earlier”. */
const PAGE = 50;

interface ConversationProps {
  readonly conversation: Conversation;
}

export function ConversationPage({ conversation }: ConversationProps) {
  const { conversations, revision } = useSession();
  void revision.value;
  const summary = conversations.get(conversation);
  const protection = summary?.protection ?? (conversation.kind === 'public' ? 'public' : 'identity-key');
  const isMember = conversation.kind !== 'group' || summary?.group?.joined === true;
  const isBlocked = conversation.kind === 'direct' && conversations.person(conversation.peer).blocked;
  return (
    <Page
      title={<ConversationTitle conversation={conversation} group={summary?.group} />}
      badge={<Protection protection={protection} />}
      actions={
        <a class="button" href={formatRoute({ page: 'details', conversation })}>
          {conversation.kind === 'direct' ? 'Verify' : 'Details'}
        </a>
      }
    >
      {conversation.kind === 'direct' && (
        <Stranger conversation={conversation} request={summary?.request === true} />
      )}
      <Log conversation={conversation} />
      {!isMember && <p class="hint">You are not a member of this group.</p>}
      {isMember && !isBlocked && <Composer conversation={conversation} />}
    </Page>
  );
}

interface StrangerProps {
  readonly conversation: Extract<Conversation, { kind: 'direct' }>;
  readonly request: boolean;
}

/** A notice about a person who is blocked, waits to be accepted, or was never added. */
function Stranger({ conversation, request }: StrangerProps) {
  const { conversations } = useSession();
  const { contact, blocked } = conversations.person(conversation.peer);
  if (blocked) return <Blocked peer={conversation.peer} />;
  if (request) return <Request peer={conversation.peer} />;
  if (contact) return null;
  return (
    <p class="notice">
      This person is not among your contacts.{' '}
      <a href={formatRoute({ page: 'details', conversation })}>Add or verify</a>
    </p>
  );
}

function Request({ peer }: { readonly peer: PublicKey }) {
  const { conversations } = useSession();
  const task = useTask();
  return (
    <section class="notice" aria-label="Message request">
      <p>
        <strong>Message request.</strong> You don't know this person yet. They can't see that you read this.
        Accept to keep in touch, or block them.
      </p>
      <div class="row">
        <button
          type="button"
          class="primary"
          disabled={task.busy}
          onClick={() => void task.run(() => conversations.accept(peer))}
        >
          Accept
        </button>
        <ConfirmButton
          label="Block"
          question="This deletes the conversation, and you no longer receive what this person sends."
          busy={task.busy}
          onConfirm={() =>
            void task.run(async () => {
              await conversations.block(peer);
              go({ page: 'list' });
            })
          }
        />
      </div>
      <Explained error={task.error} />
    </section>
  );
}

function Blocked({ peer }: { readonly peer: PublicKey }) {
  const { conversations } = useSession();
  const task = useTask();
  return (
    <p class="notice bad">
      You blocked this person: nothing that they send is taken.{' '}
      <button
        type="button"
        class="link"
        disabled={task.busy}
        onClick={() => void task.run(() => conversations.unblock(peer))}
      >
        Unblock
      </button>
      <Explained error={task.error} />
    </p>
  );
}

/** The entries of a conversation; read out as they come. */
function Log({ conversation }: ConversationProps) {
  const { conversations, revision, identity } = useSession();
  const [limit, setLimit] = useState(PAGE);
  const [entries, setEntries] = useState<readonly Entry[]>([]);
  const log = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  const now = revision.value;
  const nameFor = (key: PublicKey) =>
    isSame(key, identity.publicKey) ? 'you' : nameOf(conversations.person(key));

  // `now` says that there is something to read again
  useEffect(() => {
    let over = false;
    const read = async () => {
      const found = await conversations.entries(conversation, { limit });
      if (over) return;
      setEntries(found);
      if (document.visibilityState === 'visible') await conversations.markRead(conversation);
    };
    // A store that was closed meanwhile: the page is going away.
    const readQuietly = () => void read().catch(() => undefined);
    readQuietly();
    document.addEventListener('visibilitychange', readQuietly);
    return () => {
      over = true;
      document.removeEventListener('visibilitychange', readQuietly);
    };
  }, [conversations, conversationKey(conversation), limit, now]);

  // To the end whenever there are new entries
  useLayoutEffect(() => {
    if (atEnd.current && log.current) log.current.scrollTop = log.current.scrollHeight;
  }, [entries]);

  return (
    <div
      class="log"
      role="log"
      aria-label="Messages"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard has to get there
      tabIndex={0}
      ref={log}
      onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
        atEnd.current = scrollTop + clientHeight > scrollHeight - 40;
      }}
    >
      {(entries[0]?.number ?? 0) > 0 && (
        <button type="button" class="link" onClick={() => setLimit(limit + PAGE)}>
          Earlier messages
        </button>
      )}
      {entries.map((entry, i) =>
        entry.kind === 'notice' ? (
          <p key={entry.number} class="happened">
            {describeNotice(entry.notice, nameFor)}
          </p>
        ) : (
          <Bubble
            key={entry.number}
            message={entry}
            named={conversation.kind !== 'direct' && !sameSender(entries[i - 1], entry)}
          />
        ),
      )}
    </div>
  );
}

function sameSender(before: Entry | undefined, message: Message): boolean {
  return before?.kind === 'message' && isSame(before.sender, message.sender);
}

const STATES: Readonly<Record<Message['state'], readonly [sign: string, words: string]>> = {
  received: ['', ''],
  pending: ['◷', 'Waiting to be sent'],
  sent: ['✓', 'Sent'],
  delivered: ['✓✓', 'Delivered'],
  read: ['✓✓', 'Read'],
  failed: ['!', 'Could not be sent'],
};

function Bubble({ message, named }: { readonly message: Message; readonly named: boolean }) {
  const { content, own, protection, state, late, sender, sentAt } = message;
  const [sign, words] = STATES[state];
  return (
    <div class={`bubble ${own ? 'own' : 'other'} ${state}`}>
      {own ? (
        <span class="sr-only">You wrote:</span>
      ) : (
        <span class={named ? 'sender' : 'sr-only'}>
          <Identicon identity={sender} />
          <PersonName identity={sender} />
          {!named && <> wrote:</>}
        </span>
      )}
      <p dir="auto">{content.kind === 'text' ? content.text : <em>This app can't show this message.</em>}</p>
      <span class="meta">
        {protection === 'dh' && (
          <span title="This message had no forward secrecy">no forward secrecy · </span>
        )}
        {late && <span title="Its author was removed from the group shortly before">after removal · </span>}
        <time>{timeOf(sentAt)}</time>
        {words !== '' && (
          <span class="state" title={words}>
            <span aria-hidden="true"> {sign}</span>
            <span class="sr-only">, {words}</span>
          </span>
        )}
      </span>
      {state === 'failed' && <Failed message={message} />}
    </div>
  );
}

/** Why a message was not sent, and what can be done about it. */
function Failed({ message: { id, failure } }: { readonly message: Message }) {
  const { conversations } = useSession();
  const task = useTask();
  return (
    <div class="failure" role="alert">
      <p>{explainCode(failure ?? 'TRANSPORT_REFUSED')}</p>
      <div class="row">
        <button
          type="button"
          disabled={task.busy}
          onClick={() => void task.run(() => conversations.retry(id))}
        >
          Try again
        </button>
        <button
          type="button"
          disabled={task.busy}
          onClick={() => void task.run(() => conversations.giveUp(id))}
        >
          Delete
        </button>
      </div>
      <Explained error={task.error} />
    </div>
  );
}
