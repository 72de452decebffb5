import { useMemo } from 'preact/hooks';

/** A part of a text: itself or, with an address, a link. */
export interface TextPart {
  readonly text: string;
  readonly href?: string;
}

/** Only what begins like this is a link: other schemes start programs, or run in this page. */
const LINK = /\bhttps?:\/\/[^\s<>"'`\p{Cc}\p{Cf}]+/giu;
/** Signs that end a sentence rather than an address. */
const AFTERWARDS = /[.,:;!?…)\]}»”’*_]+$/u;

/** Splits a text at its links. What is shown of a link is what was written; it leads there and nowhere else. */
export function splitLinks(text: string): readonly TextPart[] {
  const parts: TextPart[] = [];
  let end = 0;
  for (const match of text.matchAll(LINK)) {
    const [found] = match;
    const address = withoutEnd(found);
    // A name before the host makes one look like another.
    if (!URL.canParse(address) || new URL(address).username !== '' || new URL(address).hostname === '')
      continue;
    if (match.index > end) parts.push({ text: text.slice(end, match.index) });
    parts.push({ text: address, href: new URL(address).href });
    end = match.index + address.length;
  }
  if (end < text.length) parts.push({ text: text.slice(end) });
  return parts;
}

/** Without the signs of the sentence around it; a bracket stays where it closes one of the address. */
function withoutEnd(found: string): string {
  const end = AFTERWARDS.exec(found)?.[0] ?? '';
  const address = found.slice(0, found.length - end.length);
  const open = address.split('(').length - address.split(')').length;
  return open > 0 && end.startsWith(')') ? `${address})` : address;
}

/** A text of someone, with its links. They open in a tab of their own, which learns nothing of this one. */
export function LinkedText({ text }: { readonly text: string }) {
  const parts = useMemo(() => splitLinks(text), [text]);
  return (
    <>
      {parts.map(({ text: part, href }, i) =>
        href === undefined ? (
          part
        ) : (
          <a key={`${i}-${href}`} href={href} target="_blank" rel="noopener noreferrer nofollow">
            {part}
          </a>
        ),
      )}
    </>
  );
}
