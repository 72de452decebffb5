import type { Content, Message, Reaction } from '@sotto/conversations';
import type { Conversation } from '@sotto/messenger';
import { useMemo } from 'preact/hooks';
import { nameOf } from '../format.js';
import { useSession } from '../session-context.js';
import { useRevision } from '../use-revision.js';
import { FileOfMessage } from './file.js';
import { LinkedText } from './linked-text.js';
import { Picture } from './picture.js';

interface ContentProps {
  readonly conversation: Conversation;
  readonly message: Message;
}

type Inline = Extract<Content, { readonly kind: 'image' }>;

/** What stands in a message, and how people reacted to it. */
export function MessageContent({ conversation, message }: ContentProps) {
  const { content, edited, reactions } = message;
  return (
    <>
      {content.kind === 'image' && (
        <InlinePicture conversation={conversation} message={message} content={content} />
      )}
      {content.kind === 'file' && (
        <FileOfMessage conversation={conversation} message={message} attachment={content.attachment} />
      )}
      <Words content={content} edited={edited} />
      <Reactions reactions={reactions} />
    </>
  );
}

function Words({ content, edited }: { readonly content: Content; readonly edited: boolean }) {
  switch (content.kind) {
    case 'text':
    case 'image':
    case 'file':
      if (content.text === '') return null;
      return (
        <p dir="auto">
          <LinkedText text={content.text} />
          {edited && <span class="hint"> (edited)</span>}
        </p>
      );
    case 'deleted':
      return (
        <p>
          <em>Its author deleted this message.</em>
        </p>
      );
    default:
      return (
        <p>
          <em>This app can't show this message.</em>
        </p>
      );
  }
}

/** A picture inside a message: what claims to be one is decoded by the browser, and never opened as a page. */
function InlinePicture({ conversation, message, content }: ContentProps & { readonly content: Inline }) {
  const { conversations } = useSession();
  useRevision();
  const { picture, mediaType } = content;
  const blob = useMemo(() => new Blob([new Uint8Array(picture)], { type: mediaType }), [picture, mediaType]);
  // Of people one doesn't know, it is not decoded unasked.
  const isKnown = message.own || conversations.get(conversation)?.request !== true;
  return (
    <Picture name="" size={picture.length} preview={isKnown ? blob : undefined} fetch={async () => blob} />
  );
}

/** What can be said by a reaction, by its number. */
export const REACTIONS: ReadonlyMap<number, readonly [sign: string, words: string]> = new Map([
  [1, ['❤️', 'Love']],
  [2, ['👍', 'Thumbs up']],
  [3, ['👎', 'Thumbs down']],
  [4, ['😂', 'Laugh']],
  [5, ['😢', 'Sad']],
  [6, ['😡', 'Angry']],
]);

function Reactions({ reactions }: { readonly reactions: readonly Reaction[] }) {
  const session = useSession();
  const { identity } = session;
  useRevision();
  const known = [...REACTIONS].flatMap(([number, [sign, words]]) => {
    const by = reactions.filter(({ reaction }) => reaction === number);
    if (by.length === 0) return [];
    const names = by.map((reaction) =>
      isOwn(reaction, identity.publicKey) ? 'you' : nameOf(session, reaction.by),
    );
    return [{ number, sign, count: by.length, title: `${words}: ${names.join(', ')}` }];
  });
  if (known.length === 0) return null;
  return (
    <ul class="reactions">
      {known.map(({ number, sign, count, title }) => (
        <li key={number} title={title}>
          <span aria-hidden="true">
            {sign} {count > 1 && count}
          </span>
          <span class="sr-only">{title}</span>
        </li>
      ))}
    </ul>
  );
}

/** Whether a reaction is ours. */
export function isOwn({ by }: Reaction, own: Uint8Array): boolean {
  return by.length === own.length && by.every((byte, i) => byte === own[i]);
}
