import { SottoError } from '@sotto/core';
import { parsePersonName } from './person.js';

/** What can't be seen: format characters, which can change the writing direction, fillers, and the empty pattern of Braille. */
const UNSEEN = String.raw`[\p{Cf}\p{Default_Ignorable_Code_Point}\u2800]`;
/** Of these, all but the two that join letters and emoji, and the two that choose how an emoji is drawn. */
const HIDDEN = new RegExp(String.raw`(?![\u200c\u200d\ufe0e\ufe0f])${UNSEEN}`, 'gu');
/** More marks on one letter than any script needs cover the lines around it, also with joiners between them. */
const MARKS = /((?:\p{M}[\u200c\u200d]*){4})[\p{M}\u200c\u200d]+/gu;
/** Beside what can't be seen: accents that no letter has (`i` with another dot), spaces and punctuation. */
const NEGLIGIBLE = new RegExp(String.raw`${UNSEEN}|[\s\p{Script=Inherited}\p{P}]`, 'gu');

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
 * What two names have in common that look alike as far as Unicode's compatibility forms and case, what can't be seen, punctuation, and signs
 * such as emoji beside letters go: `Ａlice`, `alice` and `Alice ✅`. Letters of other scripts that look like these are not found.
 */
export function nameSkeleton(name: string): string {
  const folded = name.normalize('NFKC').toUpperCase().toLowerCase().normalize('NFKC');
  const skeleton = folded.replace(NEGLIGIBLE, '');
  return skeleton.replace(/\p{S}/gu, '') || skeleton;
}
