import { concatBytes, encodeUtf8 } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';

/** How hard a passphrase is to guess. */
export interface Strength {
  /** 0 to 4; below {@link ENOUGH} it is refused. */
  readonly score: 0 | 1 | 2 | 3 | 4;
  /** In words, with what would help. */
  readonly words: string;
}

/** The weakest score that is accepted. */
export const ENOUGH = 2;
/** Shortest passphrase accepted, in characters. */
const SHORTEST = 8;
/** Bits from which a score is given: guessing is slowed down, so that 30 take years rather than minutes. */
const SCORES = [30, 45, 60] as const;
/** Bits for each word of three letters or more: people choose among a few thousand. */
const WORD_BITS = 11;

/** What people choose first, and parts of it. */
// cspell:disable
const COMMON =
  /pass(word|wort)?|p[a@]ssw[o0]rd|letmein|welcome|admin|qwert[yz]?\w*|asdf\w*|iloveyou|monkey|dragon|football|baseball|princess|sunshine|master|shadow|hallo|sotto|secret|login|changeme|trustno1|abc|1q2w3e4r?/gi;
// cspell:enable

/** Estimates how hard a passphrase is to guess: by its words, or its characters, without what repeats or continues. */
export function strengthOf(passphrase: string): Strength {
  const { length } = [...passphrase];
  const bits = Math.max(bitsOfWords(passphrase), bitsOfCharacters(passphrase));
  const reached = SCORES.filter((limit) => bits >= limit).length;
  if (length === 0) return { score: 0, words: '' };
  if (length < SHORTEST) return { score: 0, words: `Too short: ${SHORTEST} characters or more.` };
  switch (reached) {
    case 0:
      return { score: 1, words: 'Too easy to guess: use a few unrelated words.' };
    case 1:
      return { score: 2, words: 'Acceptable. Another word makes it strong.' };
    case 2:
      return { score: 3, words: 'Strong.' };
    default:
      return { score: 4, words: 'Very strong.' };
  }
}

function bitsOfWords(passphrase: string): number {
  const words = passphrase.replace(COMMON, '').split(/[\s\-_.,]+/);
  const distinct = new Set(words.filter((word) => /\p{L}{3,}/u.test(word)).map((word) => word.toLowerCase()));
  return distinct.size < 3 ? 0 : WORD_BITS * distinct.size;
}

function bitsOfCharacters(passphrase: string): number {
  const characters = [...passphrase.replace(COMMON, '*')];
  const unforeseen = characters.filter((_, i) => {
    const step = (at: number) =>
      (characters[at]?.codePointAt(0) ?? 0) - (characters[at - 1]?.codePointAt(0) ?? 0);
    // 1111, 1234, abcd: each is one choice, however long
    return i < 2 || Math.abs(step(i)) > 1 || step(i) !== step(i - 1);
  });
  const kinds = [
    [/\p{Ll}/u, 26],
    [/\p{Lu}/u, 26],
    [/\d/, 10],
    [/[^\p{L}\d]/u, 30],
  ] as const;
  const alphabet = kinds.reduce((sum, [kind, size]) => sum + (kind.test(passphrase) ? size : 0), 0);
  const distinct = new Set(unforeseen).size;
  // A few characters again and again are hardly better than each of them once.
  return Math.min(unforeseen.length, 1.5 * distinct) * Math.log2(Math.max(2, alphabet)) * 0.75;
}

/** Tells a passphrase again, without keeping it: a salted hash in memory, beside which the keys that it protects are anyway. */
export function rememberPassphrase(
  crypto: Pick<CryptoProvider, 'sha256' | 'equalBytes' | 'randomBytes'>,
  passphrase: string,
): (other: string) => boolean {
  const salt = crypto.randomBytes(16);
  const hash = (text: string) => crypto.sha256(concatBytes(salt, encodeUtf8(text.normalize('NFKD'))));
  const known = hash(passphrase);
  return (other) => crypto.equalBytes(known, hash(other));
}
