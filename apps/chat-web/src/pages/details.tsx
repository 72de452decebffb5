import type { PublicKey } from '@sotto/core';
import { formatKeyText } from '@sotto/identity';
import type { Conversation } from '@sotto/messenger';
import { useState } from 'preact/hooks';
import { Avatar } from '../components/avatar.js';
import { ConfirmButton } from '../components/confirm-button.js';
import { Disappearing } from '../components/disappearing.js';
import { Explained } from '../components/explained.js';
import { Page } from '../components/page.js';
import { PersonName } from '../components/person-name.js';
import { Portrait } from '../components/portrait.js';
import { crypto } from '../crypto.js';
import { formatRoute, go, type Route, routeBefore } from '../route.js';
import { useSession } from '../session-context.js';
import { useRevision } from '../use-revision.js';
import { useTask } from '../use-task.js';
import { GroupDetails, LeaveGroup } from './group.js';
import { Block, PeerDevices, PersonDetails, RemoveContact } from './person.js';

/** Everything about a conversation except its messages. */
export function Details({ conversation }: { readonly conversation: Conversation }) {
  switch (conversation.kind) {
    case 'direct':
      return <Person conversation={conversation} />;
    case 'group':
      return <Group conversation={conversation} />;
    case 'public':
      return (
        <Page title={`#${conversation.name}`} back={{ page: 'conversation', conversation }}>
          <div class="hero">
            <Avatar conversation={conversation} group={undefined} />
            <p>Anyone who knows its name can read it, and no one decides who may write.</p>
          </div>
          <Mute conversation={conversation} />
          <section>
            <Remove conversation={conversation} label="Leave and delete" />
          </section>
        </Page>
      );
  }
}

function Person({ conversation }: { readonly conversation: Extract<Conversation, { kind: 'direct' }> }) {
  const { conversations } = useSession();
  useRevision();
  const { peer } = conversation;
  const ofConversation: Route = { page: 'conversation', conversation };
  // Members of a group are looked at from there.
  const [back] = useState(() => (isOfGroup(routeBefore.value) ? routeBefore.value : ofConversation));
  const [forgotten, setForgotten] = useState(0);
  // Of someone who never wrote, there is nothing to mute or delete.
  const isThere = conversations.get(conversation) !== undefined;
  return (
    <Page title={<PersonName identity={peer} />} back={back}>
      <div class="hero">
        <Portrait identity={peer} size="large" />
        <OwnName peer={peer} />
        <p class="key">{formatKeyText(crypto, peer, 'base58btc')}</p>
        <a class="button primary" href={formatRoute(ofConversation)}>
          Write a message
        </a>
      </div>
      <PersonDetails peer={peer} forgotten={forgotten} />
      {isThere && <Disappearing conversation={conversation} />}
      {isThere && <Mute conversation={conversation} />}
      <PeerDevices peer={peer} />
      <section class="dangers" aria-label="Block and delete">
        <RemoveContact peer={peer} onForget={() => setForgotten(forgotten + 1)} />
        <Block peer={peer} />
        {isThere && <Remove conversation={conversation} label="Delete the conversation" />}
      </section>
    </Page>
  );
}

/** What a person calls themselves. */
function OwnName({ peer }: { readonly peer: PublicKey }) {
  const { profiles } = useSession();
  useRevision();
  const { name = '' } = profiles.get(peer) ?? {};
  const { resembles } = profiles.shownName(peer);
  return (
    <>
      {name !== '' && (
        <p class="hint">
          Calls themselves “<bdi>{name}</bdi>”
        </p>
      )}
      {resembles !== undefined && (
        <p class="notice bad">
          You know someone else by such a name: <PersonName identity={resembles} />. Compare safety numbers
          before you trust this one.
        </p>
      )}
    </>
  );
}

function isOfGroup(from: Route): boolean {
  return 'conversation' in from && from.conversation.kind === 'group';
}

function Group({ conversation }: { readonly conversation: Extract<Conversation, { kind: 'group' }> }) {
  const { conversations } = useSession();
  useRevision();
  const { groupId } = conversation;
  const { group } = conversations.get(conversation) ?? {};
  return (
    <Page title="Group" back={{ page: 'conversation', conversation }}>
      <div class="hero">
        <Avatar conversation={conversation} group={group} />
        <p>
          <strong>
            <bdi>{group?.name ?? 'Group'}</bdi>
          </strong>
        </p>
      </div>
      <GroupDetails groupId={groupId} />
      <Disappearing conversation={conversation} />
      <Mute conversation={conversation} />
      <section class="dangers" aria-label="Leave and delete">
        <LeaveGroup groupId={groupId} />
        <Remove conversation={conversation} label="Delete the messages on this device" />
      </section>
    </Page>
  );
}

const HOUR_MS = 3_600_000;

/** Messages of a muted conversation come as ever, without notifications. */
function Mute({ conversation }: { readonly conversation: Conversation }) {
  const { conversations } = useSession();
  useRevision();
  const task = useTask();
  const muted = conversations.get(conversation)?.muted ?? false;
  const mute = (until: number) => void task.run(() => conversations.setMuted(conversation, until));
  return (
    <section aria-labelledby="mute">
      <h2 id="mute">Notifications</h2>
      {muted ? (
        <>
          <p>You are not notified of messages in this conversation.</p>
          <button type="button" disabled={task.busy} onClick={() => mute(0)}>
            Unmute
          </button>
        </>
      ) : (
        <div class="row">
          <button type="button" disabled={task.busy} onClick={() => mute(Date.now() + 8 * HOUR_MS)}>
            Mute for 8 hours
          </button>
          <button type="button" disabled={task.busy} onClick={() => mute(Number.POSITIVE_INFINITY)}>
            Mute
          </button>
        </div>
      )}
      <Explained error={task.error} />
    </section>
  );
}

function Remove({ conversation, label }: { readonly conversation: Conversation; readonly label: string }) {
  const { conversations } = useSession();
  const task = useTask();
  return (
    <>
      <ConfirmButton
        label={label}
        question="All messages of this conversation are deleted on this device."
        busy={task.busy}
        onConfirm={() =>
          void task.run(async () => {
            await conversations.remove(conversation);
            go({ page: 'list' });
          })
        }
      />
      <Explained error={task.error} />
    </>
  );
}
