import type { ConversationSummary } from '@sotto/conversations';
import { PersonName } from './person-name.js';

/** The title of a conversation. */
export function ConversationTitle({
  conversation,
  group,
}: Pick<ConversationSummary, 'conversation' | 'group'>) {
  switch (conversation.kind) {
    case 'direct':
      return <PersonName identity={conversation.peer} />;
    case 'public':
      return <span class="name">#{conversation.name}</span>;
    case 'group':
      return (
        <span class="name">
          <bdi>{group?.name ?? 'Group'}</bdi>
        </span>
      );
  }
}
