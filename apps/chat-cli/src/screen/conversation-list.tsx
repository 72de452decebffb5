import type { ConversationSummary } from '@sotto/conversations';
import { Box, Text } from 'ink';
import { titleOf } from '../names.js';
import type { Session } from '../session.js';

interface ConversationListProps {
  readonly session: Session;
  readonly current: string | undefined;
  readonly width: number;
  readonly height: number;
}

/** The conversations, latest first, with their unread counts and protection. */
export function ConversationList({ session, current, width, height }: ConversationListProps) {
  const summaries = session.conversations.list();
  return (
    <Box flexDirection="column" width={width} height={height} overflow="hidden">
      {summaries.slice(0, height).map((summary) => (
        <Box key={summary.key} width={width - 1} height={1} overflow="hidden" flexShrink={0}>
          <Box flexGrow={1} flexShrink={1} overflow="hidden">
            <Text wrap="truncate" inverse={summary.key === current} bold={summary.unread > 0}>
              {`${signOf(session, summary)} ${titleOf(session, summary.conversation)}`}
            </Text>
          </Box>
          {summary.unread > 0 && <Text color="yellow">{` ${summary.unread}`}</Text>}
        </Box>
      ))}
    </Box>
  );
}

/** One character for a request or the protection. A public chat is marked by the `#` of its title. */
function signOf(
  { conversations }: Session,
  { conversation, protection, request }: ConversationSummary,
): string {
  if (request) return '?';
  if (conversation.kind === 'direct' && conversations.person(conversation.peer).verified) return '✓';
  return { public: ' ', 'post-quantum': '=', ratchet: '=', 'identity-key': '~' }[protection];
}
