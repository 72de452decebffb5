import type { Message } from '@sotto/conversations';
import type { Conversation } from '@sotto/messenger';
import { useEffect, useState } from 'preact/hooks';
import { useSession } from '../session-context.js';
import { PersonName } from './person-name.js';

/** Characters of a message that are quoted. */
const QUOTED = 120;

/** The message that another one replies to. */
export function Quote({
  conversation,
  replyTo,
}: {
  readonly conversation: Conversation;
  readonly replyTo: string;
}) {
  const { conversations } = useSession();
  const [message, setMessage] = useState<Message>();
  useEffect(() => {
    let isOver = false;
    conversations.byReference(conversation, replyTo).then(
      (found) => (isOver ? undefined : setMessage(found)),
      // Closed meanwhile.
      () => undefined,
    );
    return () => {
      isOver = true;
    };
  }, [conversations, replyTo]);
  return (
    <blockquote class="quote">
      {message === undefined ? <em>A message that is not here.</em> : <QuotedMessage message={message} />}
    </blockquote>
  );
}

/** Who wrote, and how it begins. */
export function QuotedMessage({ message: { own, sender, content } }: { readonly message: Message }) {
  const text = content.kind === 'text' || content.kind === 'image' ? content.text : '';
  return (
    <>
      <strong>{own ? 'You' : <PersonName identity={sender} />}</strong>{' '}
      <span dir="auto">
        {content.kind === 'image' && 'Picture '}
        {content.kind === 'deleted' && 'Deleted'}
        {text.length > QUOTED ? `${text.slice(0, QUOTED)}…` : text}
      </span>
    </>
  );
}
