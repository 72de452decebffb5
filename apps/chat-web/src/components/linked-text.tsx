import { textParts } from '@sotto/conversations';
import { useMemo } from 'preact/hooks';
import { crypto } from '../crypto.js';
import { formatRoute } from '../route.js';
import { PersonName } from './person-name.js';

/** A text of someone, with its links and mentions. Links open in a tab of their own, which learns nothing of this one. */
export function LinkedText({ text }: { readonly text: string }) {
  const parts = useMemo(() => textParts(crypto, text), [text]);
  return (
    <>
      {parts.map((part, i) => {
        switch (part.kind) {
          case 'link':
            return (
              // The title says where it leads: letters of different scripts look alike.
              <a
                key={`${i}-${part.url}`}
                href={part.url}
                title={part.url}
                target="_blank"
                rel="noopener noreferrer nofollow"
              >
                {part.text}
              </a>
            );
          case 'mention':
            return (
              <a
                key={`${i}-${part.text}`}
                href={formatRoute({ page: 'details', conversation: { kind: 'direct', peer: part.identity } })}
              >
                @<PersonName identity={part.identity} />
              </a>
            );
          case 'everyone':
            return <strong key={`${i}-everyone`}>@everyone</strong>;
          default:
            return part.text;
        }
      })}
    </>
  );
}
