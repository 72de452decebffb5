import type { Conversation } from '@sotto/messenger';
import { ConfirmButton } from '../components/confirm-button.js';
import { Disappearing } from '../components/disappearing.js';
import { Explained } from '../components/explained.js';
import { Page } from '../components/page.js';
import { go } from '../route.js';
import { useSession } from '../session-context.js';
import { useRevision } from '../use-revision.js';
import { useTask } from '../use-task.js';
import { GroupDetails } from './group.js';
import { PersonDetails } from './person.js';

/** Everything about a conversation except its messages. */
export function Details({ conversation }: { readonly conversation: Conversation }) {
  const back = { page: 'conversation', conversation } as const;
  switch (conversation.kind) {
    case 'direct':
      return (
        <Page title="Verify" back={back}>
          <PersonDetails peer={conversation.peer} />
          <Disappearing conversation={conversation} />
          <Mute conversation={conversation} />
          <Remove conversation={conversation} label="Delete the conversation" />
        </Page>
      );
    case 'group':
      return (
        <Page title="Group" back={back}>
          <GroupDetails groupId={conversation.groupId} />
          <Disappearing conversation={conversation} />
          <Mute conversation={conversation} />
          <Remove conversation={conversation} label="Delete the messages on this device" />
        </Page>
      );
    case 'public':
      return (
        <Page title={`#${conversation.name}`} back={back}>
          <p>A public chat. Anyone who knows its name can read it, and no one decides who may write.</p>
          <Mute conversation={conversation} />
          <Remove conversation={conversation} label="Leave and delete" />
        </Page>
      );
  }
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
    <section>
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
    </section>
  );
}
