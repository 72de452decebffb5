import { SottoError } from '@sotto/core';
import { parsePersonName } from './person.js';

/** Format characters, but the two that join letters and emoji: they can't be seen, and can change the writing direction. */
const HIDDEN = /(?![\u200c\u200d])\p{Cf}/gu;
/** More marks on one letter than any script needs cover the lines around it. */
const MARKS = /(\p{M}{4})\p{M}+/gu;

/**
 * A name of one's own, as others get it.
 * @throws INVALID_TEXT, LIMIT_EXCEEDED as `parsePersonName`; INVALID_TEXT also for characters that can't be seen
 */
export function parseProfileName(text: string): string {
  const name = parsePersonName(text);
  if (shownProfileName(name) === name) return name;
  throw new SottoError('INVALID_TEXT', 'A name has letters, digits and signs that can be seen.', {
    what: 'person name',
    reason: 'characters that cannot be seen',
  });
}

/** A name that somebody else gives themselves, without what can't be seen; empty when nothing is left. */
export function shownProfileName(name: string): string {
  const shown = name.replace(HIDDEN, '').replace(MARKS, '$1').replace(/\s+/g, ' ').trim();
  return /[\p{L}\p{N}\p{P}\p{S}]/u.test(shown) ? shown : '';
}

/**
 * What two names have in common that look alike as far as Unicode's compatibility forms and case go: `Ａlice` and `alice`. Letters of other
 * scripts that look like these are not found.
 */
export function nameSkeleton(name: string): string {
  const folded = name.normalize('NFKC').toUpperCase().toLowerCase().normalize('NFKC');
  return folded.replace(/[\s\p{Cf}\p{P}]/gu, '');
}
