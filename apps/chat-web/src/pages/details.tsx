import type { Conversation } from '@sotto/messenger';
import { ConfirmButton } from '../components/confirm-button.js';
import { Explained } from '../components/explained.js';
import { Page } from '../components/page.js';
import { go } from '../route.js';
import { useSession } from '../session-context.js';
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
          <Remove conversation={conversation} label="Delete the conversation" />
        </Page>
      );
    case 'group':
      return (
        <Page title="Group" back={back}>
          <GroupDetails groupId={conversation.groupId} />
          <Remove conversation={conversation} label="Delete the messages on this device" />
        </Page>
      );
    case 'public':
      return (
        <Page title={`#${conversation.name}`} back={back}>
          <p>A public chat. Anyone who knows its name can read it, and no one decides who may write.</p>
          <Remove conversation={conversation} label="Leave and delete" />
        </Page>
      );
  }
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
