import { describeDuration } from '@sotto/conversations';
import type { PublicKey } from '@sotto/core';
import type { Conversation } from '@sotto/messenger';
import { useEffect, useRef, useState } from 'preact/hooks';
import { Avatar } from '../components/avatar.js';
import { Composer } from '../components/composer.js';
import { ConfirmButton } from '../components/confirm-button.js';
import { ConversationTitle } from '../components/conversation-title.js';
import { Explained } from '../components/explained.js';
import { Field } from '../components/field.js';
import { Icon } from '../components/icon.js';
import { Log, type LogControl } from '../components/log.js';
import { Page } from '../components/page.js';
import { PersonName } from '../components/person-name.js';
import { Protection } from '../components/protection.js';
import { shortDuration } from '../format.js';
import { formatRoute, go } from '../route.js';
import { useSession } from '../session-context.js';
import { usePerson, useRevision } from '../use-revision.js';
import { useTask } from '../use-task.js';

interface ConversationProps {
  readonly conversation: Conversation;
  /** Number of the entry to show first, such as one that was searched for. */
  readonly at?: number | undefined;
}

export function ConversationPage({ conversation, at }: ConversationProps) {
  const { conversations } = useSession();
  const log = useRef<LogControl | undefined>(undefined);
  useRevision();
  const summary = conversations.get(conversation);
  const protection = summary?.protection ?? (conversation.kind === 'public' ? 'public' : 'identity-key');
  const isMember = conversation.kind !== 'group' || summary?.group?.joined === true;
  const isInvitation = conversation.kind === 'group' && summary?.request === true;
  const isBlocked = conversation.kind === 'direct' && conversations.person(conversation.peer).blocked;
  return (
    <Page
      filled
      picture={<Avatar conversation={conversation} group={summary?.group} />}
      title={<ConversationTitle conversation={conversation} group={summary?.group} />}
      badge={
        <>
          <Protection protection={protection} />
          {summary?.disappearing !== undefined && <Disappears seconds={summary.disappearing} />}
        </>
      }
      actions={
        <a class="button" href={formatRoute({ page: 'details', conversation })}>
          {conversation.kind === 'direct' ? 'Verify' : 'Details'}
        </a>
      }
    >
      {conversation.kind === 'direct' && (
        <AboutPeer conversation={conversation} request={summary?.request === true} />
      )}
      {isInvitation && <Invitation groupId={conversation.groupId} name={summary.group?.name} />}
      <Log conversation={conversation} at={at} control={log} />
      {!isMember && !isInvitation && <p class="hint">You are not a member of this group.</p>}
      {isMember && !isBlocked && (
        <Composer conversation={conversation} onSend={() => log.current?.showEnd()} />
      )}
    </Page>
  );
}

/** That messages disappear, beside the title. */
function Disappears({ seconds }: { readonly seconds: number }) {
  const words = `New messages disappear ${describeDuration(seconds)} after they were read`;
  return (
    <span class="badge timer" title={words}>
      <Icon name="timer" />
      <span aria-hidden="true">{shortDuration(seconds)}</span>
      <span class="sr-only">{words}</span>
    </span>
  );
}

interface InvitationProps {
  readonly groupId: string;
  /** Chosen by whoever made the group. */
  readonly name: string | undefined;
}

/** A Status group to which someone added us whom the user hasn't accepted. */
function Invitation({ groupId, name = 'Group' }: InvitationProps) {
  const { conversations, statusClient } = useSession();
  const [addedBy, setAddedBy] = useState<PublicKey>();
  const task = useTask();
  useEffect(() => {
    statusClient?.groups.get(groupId).then(
      (group) => setAddedBy(group?.addedBy),
      () => undefined,
    );
  }, [groupId]);
  const decline = (work: () => Promise<unknown>) =>
    void task.run(async () => {
      await work();
      go({ page: 'list' });
    });
  return (
    <section class="notice" aria-label="Invitation to a group">
      <p>
        <strong>
          {addedBy === undefined ? 'Someone' : <PersonName identity={addedBy} />} added you to “
          <bdi>{name}</bdi>”.
        </strong>{' '}
        You don't know this person yet. Joining tells all members that you are there, and lets them write to
        you here.
      </p>
      <div class="row">
        <button
          type="button"
          class="primary"
          disabled={task.busy}
          onClick={() => void task.run(() => conversations.acceptGroup(groupId))}
        >
          Join
        </button>
        <ConfirmButton
          label="Decline"
          question="This deletes what was written there. Nobody is told."
          busy={task.busy}
          onConfirm={() => decline(() => conversations.remove({ kind: 'group', groupId }))}
        />
        {addedBy !== undefined && (
          <ConfirmButton
            label="Block"
            question="This declines, and you no longer receive what this person sends."
            busy={task.busy}
            onConfirm={() => decline(() => conversations.block(addedBy))}
          />
        )}
      </div>
      <Explained error={task.error} />
    </section>
  );
}

interface AboutPeerProps {
  readonly conversation: Extract<Conversation, { kind: 'direct' }>;
  readonly request: boolean;
}

/** What has to be known, or decided, about the person before anything is written. */
function AboutPeer({ conversation, request }: AboutPeerProps) {
  const { peer } = conversation;
  const { contact, blocked, mismatch } = usePerson(peer);
  if (blocked) return <Blocked peer={peer} />;
  if (request) return <Request peer={peer} />;
  if (mismatch) {
    return (
      <p class="notice bad">
        <strong>The safety numbers were different.</strong> Someone may be reading along. Write nothing
        sensitive. <a href={formatRoute({ page: 'details', conversation })}>Compare again</a>
      </p>
    );
  }
  return contact ? null : <Stranger peer={peer} />;
}

/** Someone who was never added: they can be, or blocked. */
function Stranger({ peer }: { readonly peer: PublicKey }) {
  const { conversations, profiles } = useSession();
  useRevision();
  const { source, text, resembles } = profiles.shownName(peer);
  const [adding, setAdding] = useState(false);
  const [name, setName] = useState('');
  const task = useTask();
  return (
    <section class="notice" aria-label="Not a contact">
      <p>
        This person is not among your contacts.{' '}
        {source === 'own'
          ? 'The name above is what they call themselves.'
          : 'The name above was made from their key.'}
        {resembles !== undefined && (
          <strong>
            {' '}
            You know someone else by such a name: <PersonName identity={resembles} />.
          </strong>
        )}
      </p>
      {adding ? (
        <form
          class="row"
          onSubmit={(event) => {
            event.preventDefault();
            void task.run(() => conversations.addContact(peer, name));
          }}
        >
          <Field label="Name, which only you see" value={name} onValue={setName} autofocus />
          <button type="submit" class="primary" disabled={task.busy}>
            Add
          </button>
          <button type="button" onClick={() => setAdding(false)}>
            Cancel
          </button>
        </form>
      ) : (
        <div class="row">
          <button
            type="button"
            onClick={() => {
              setName(resembles === undefined ? text : '');
              setAdding(true);
            }}
          >
            Add to contacts
          </button>
          <ConfirmButton
            label="Block"
            question="You no longer receive what this person sends, also in groups. They are not told."
            busy={task.busy}
            onConfirm={() => void task.run(() => conversations.block(peer))}
          />
        </div>
      )}
      <Explained error={task.error} />
    </section>
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
    <section class="notice" aria-label="Blocked">
      <p>You blocked this person: what they send doesn't arrive here.</p>
      <button
        type="button"
        disabled={task.busy}
        onClick={() => void task.run(() => conversations.unblock(peer))}
      >
        Unblock
      </button>
      <Explained error={task.error} />
    </section>
  );
}
