import { type CryptoProvider, isSottoError, type PublicKey } from '@sotto/core';
import { formatIdentity, parseIdentity } from '@sotto/status-messages';

/** Links and mentions that are looked for in a text; what follows stays text. Nobody writes more, and each is something to draw. */
const MOST_PARTS = 100;
/** Characters of a link; a longer one stays text. Browsers take as much. */
const LINK_MAX_LENGTH = 2_048;

/** A piece of a text. Put together, the `text` of all pieces is the text. */
export type TextPart =
  | { readonly kind: 'text'; readonly text: string }
  /**
   * A web address. `url` is where it leads, with `http:` or `https:` and its host in ASCII: show that before it is opened, as letters
   * of different scripts look alike.
   */
  | { readonly kind: 'link'; readonly text: string; readonly url: string }
  /** A person, 33 bytes: show how the user calls them. */
  | { readonly kind: 'mention'; readonly text: string; readonly identity: PublicKey }
  /** All members of a group. */
  | { readonly kind: 'everyone'; readonly text: string };

/** Status clients name all members of a group by this key, which nobody has. */
const EVERYONE = '@0x00001';
const CANDIDATE = /https?:\/\/\S+|@0x04[0-9a-f]{128}(?![0-9a-z])|@0x00001(?![0-9a-z])/giu;

/**
 * Finds links and mentions in a text, in time proportional to its length. Links with a user name, and those with characters that change
 * the direction of writing, stay text: they are made to mislead.
 * @param crypto parses keys
 */
export function textParts(crypto: CryptoProvider, text: string): readonly TextPart[] {
  const parts: TextPart[] = [];
  let end = 0;
  for (const match of text.matchAll(CANDIDATE)) {
    if (parts.length >= 2 * MOST_PARTS) break;
    const part = match[0].startsWith('@') ? mentionIn(crypto, match[0]) : linkIn(match[0]);
    if (part === undefined) continue;
    if (match.index > end) parts.push({ kind: 'text', text: text.slice(end, match.index) });
    parts.push(part);
    end = match.index + part.text.length;
  }
  if (end < text.length) parts.push({ kind: 'text', text: text.slice(end) });
  return parts;
}

/** Names a person in a text, as Status clients do. */
export function mentionText(crypto: CryptoProvider, identity: PublicKey): string {
  return `@${formatIdentity(crypto, identity)}`;
}

function mentionIn(crypto: CryptoProvider, text: string): TextPart | undefined {
  if (text === EVERYONE) return { kind: 'everyone', text };
  try {
    return { kind: 'mention', text, identity: parseIdentity(crypto, text.slice(1)) };
  } catch (error) {
    if (isSottoError(error)) return undefined;
    throw error;
  }
}

function linkIn(candidate: string): TextPart | undefined {
  const text = withoutPunctuation(candidate);
  if (text.length > LINK_MAX_LENGTH || /[\p{Cc}\p{Bidi_Control}]/u.test(text)) return undefined;
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return undefined;
  }
  const isPlain = url.username === '' && url.password === '' && url.hostname !== '';
  return isPlain ? { kind: 'link', text, url: url.href } : undefined;
}

/** Without quotes, and without what ends a sentence or closes a bracket that was opened before the link. */
function withoutPunctuation(candidate: string): string {
  const quote = candidate.search(/["<>`»”]/u);
  let text = quote < 0 ? candidate : candidate.slice(0, quote);
  for (;;) {
    const last = text.at(-1) ?? '';
    const open = { ')': '(', ']': '[', '}': '{' }[last];
    const isUnopened = open !== undefined && count(text, open) < count(text, last);
    if (!isUnopened && !/[.,;:!?'*_~…]/u.test(last)) return text;
    text = text.slice(0, -1);
    if (text.length > LINK_MAX_LENGTH) return text;
  }
}

function count(text: string, character: string): number {
  return text.split(character).length - 1;
}
