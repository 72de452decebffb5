import type { Content, Message, Reaction } from '@sotto/conversations';
import { useEffect, useState } from 'preact/hooks';
import { nameOf } from '../format.js';
import { useSession } from '../session-context.js';
import { LinkedText } from './linked-text.js';

/** What stands in a message, and how people reacted to it. */
export function MessageContent({ message: { content, edited, reactions } }: { readonly message: Message }) {
  return (
    <>
      {content.kind === 'image' && <Picture content={content} />}
      <Words content={content} edited={edited} />
      <Reactions reactions={reactions} />
    </>
  );
}

function Words({ content, edited }: { readonly content: Content; readonly edited: boolean }) {
  switch (content.kind) {
    case 'text':
    case 'image':
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

/** Shown as pictures only: what claims to be one is decoded by the browser, and never opened as a page. */
function Picture({ content }: { readonly content: Extract<Content, { readonly kind: 'image' }> }) {
  const [url, setUrl] = useState<string>();
  const [isBroken, setBroken] = useState(false);
  const { picture, mediaType } = content;
  useEffect(() => {
    const next = URL.createObjectURL(new Blob([new Uint8Array(picture)], { type: mediaType }));
    setUrl(next);
    return () => URL.revokeObjectURL(next);
  }, [picture, mediaType]);
  if (isBroken || mediaType === 'application/octet-stream') {
    return (
      <p>
        <em>A picture that this app can't show.</em>
      </p>
    );
  }
  return url === undefined ? null : (
    <img class="picture" src={url} alt="Sent with this message" onError={() => setBroken(true)} />
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
  const { conversations, identity } = useSession();
  const known = [...REACTIONS].flatMap(([number, [sign, words]]) => {
    const by = reactions.filter(({ reaction }) => reaction === number);
    if (by.length === 0) return [];
    const names = by.map((reaction) =>
      isOwn(reaction, identity.publicKey) ? 'you' : nameOf(conversations.person(reaction.by)),
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
