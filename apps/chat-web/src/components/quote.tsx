import { conversationKey, type Message } from '@sotto/conversations';
import type { Conversation } from '@sotto/messenger';
import { useEffect, useState } from 'preact/hooks';
import { contentWords } from '../content-words.js';
import { useSession } from '../session-context.js';
import { PersonName } from './person-name.js';

/** The message that another one replies to. */
export function Quote({
  conversation,
  replyTo,
}: {
  readonly conversation: Conversation;
  readonly replyTo: string;
}) {
  const { conversations } = useSession();
  const key = conversationKey(conversation);
  const [message, setMessage] = useState<Message>();
  useEffect(() => {
    let isOver = false;
    let number: number | undefined;
    const load = () =>
      conversations.byReference(conversation, replyTo).then(
        (found) => {
          if (isOver) return;
          number = found?.number;
          setMessage(found);
        },
        // Closed meanwhile.
        () => undefined,
      );
    void load();
    // It may be changed, be deleted or disappear.
    const unsubscribe = conversations.subscribe((change) => {
      if (change.what !== 'conversation' || change.key !== key || number === undefined) return;
      if (change.numbers?.includes(number) ?? true) void load();
    });
    return () => {
      isOver = true;
      unsubscribe();
    };
  }, [conversations, key, replyTo]);
  return (
    <blockquote class="quote">
      {message === undefined ? <em>A message that is not here.</em> : <QuotedMessage message={message} />}
    </blockquote>
  );
}

/** Who wrote, and how it begins. */
export function QuotedMessage({ message: { own, sender, content } }: { readonly message: Message }) {
  return (
    <>
      <strong>{own ? 'You' : <PersonName identity={sender} />}</strong>{' '}
      <span dir="auto">{contentWords(content)}</span>
    </>
  );
}
