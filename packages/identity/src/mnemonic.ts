import { entropyToMnemonic, mnemonicToSeedSync, validateMnemonic } from '@scure/bip39';
import { wordlist } from '@scure/bip39/wordlists/english.js';
import { encodeUtf8, parseObject, parseText, Redacted, SottoError } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import { checkProvider } from './check-provider.js';

/** How many words a mnemonic may have: 128, 160, 192, 224 or 256 bits of entropy. */
export type MnemonicWordCount = 12 | 15 | 18 | 21 | 24;

/** Longest text that {@link parseMnemonic} looks at, in characters. 24 English words with spaces need 215 at most. */
export const MNEMONIC_MAX_CHARACTERS = 4096;

/** Longest passphrase in characters: far more than anyone types, so that a pasted file is rejected. */
export const PASSPHRASE_MAX_CHARACTERS = 4096;

const WORD_COUNTS: readonly number[] = [12, 15, 18, 21, 24];
const KNOWN_WORDS: ReadonlySet<string> = new Set(wordlist);

/** A valid mnemonic of the English BIP39 list, checksum included. Made only by {@link createMnemonic} and {@link parseMnemonic}.
 * Prints redacted. */
export class Mnemonic extends Redacted {
  /** The words; secret. Show them once, to be written down. */
  readonly words: readonly string[];

  /** @internal For {@link createMnemonic} and {@link parseMnemonic}. */
  constructor(words: readonly string[]) {
    super();
    this.words = Object.freeze([...words]);
  }
}

/**
 * A new mnemonic from the provider's randomness.
 * @throws INVALID_ARGUMENT when `words` is not 12 (the default), 15, 18, 21 or 24
 */
export function createMnemonic(
  crypto: CryptoProvider,
  options: { readonly words?: MnemonicWordCount | undefined } = {},
): Mnemonic {
  checkProvider(crypto);
  const words = parseObject(options, 'options').words ?? 12;
  if (!WORD_COUNTS.includes(words)) {
    throw new SottoError('INVALID_ARGUMENT', 'A mnemonic has 12, 15, 18, 21 or 24 words.', {
      what: 'words of a mnemonic',
      reason: `${words} is none of 12, 15, 18, 21, 24`,
    });
  }
  const entropy = crypto.randomBytes((words / 3) * 4);
  try {
    return new Mnemonic(entropyToMnemonic(entropy, wordlist).split(' '));
  } finally {
    entropy.fill(0);
  }
}

/**
 * Parses words as people type and paste them: normalises to Unicode NFKD (full-width letters become plain ones), ignores
 * case, and splits at any run of white space, including line breaks and zero-width spaces. Refuses numbers, commas,
 * abbreviated words, and every list but the English one.
 *
 * Reports unknown words before a wrong count, and that before a wrong checksum. No error contains a word.
 * @throws INVALID_MNEMONIC, see its details
 * @throws LIMIT_EXCEEDED beyond {@link MNEMONIC_MAX_CHARACTERS}
 */
export function parseMnemonic(text: string): Mnemonic {
  checkCharacters('mnemonic, characters', text, MNEMONIC_MAX_CHARACTERS);
  const words = text
    .normalize('NFKD')
    .toLowerCase()
    .split(/[\s\u200b\u2060]+/)
    .filter((word) => word !== '');

  const positions = words.flatMap((word, index) => (KNOWN_WORDS.has(word) ? [] : [index + 1]));
  if (positions.length > 0) {
    const which = positions.length === 1 ? `Word ${positions[0]} is` : `Words ${positions.join(', ')} are`;
    throw new SottoError('INVALID_MNEMONIC', `${which} not of the word list.`, {
      problem: 'word',
      positions,
    });
  }
  if (!WORD_COUNTS.includes(words.length)) {
    const count = words.length;
    throw new SottoError(
      'INVALID_MNEMONIC',
      `A mnemonic has 12, 15, 18, 21 or 24 words; this one has ${count}.`,
      { problem: 'count', count },
    );
  }
  if (!validateMnemonic(words.join(' '), wordlist)) {
    throw new SottoError(
      'INVALID_MNEMONIC',
      'Every word is of the list, but they do not belong together: one is wrong, or two are swapped.',
      { problem: 'checksum' },
    );
  }
  return new Mnemonic(words);
}

/**
 * The BIP39 seed, 64 fresh secret bytes. Slow on purpose: 2048 rounds of PBKDF2 take tens of milliseconds.
 * `passphrase` is normalised to NFKD and otherwise unchanged: case and spaces count.
 * @throws INVALID_TEXT when the passphrase has a lone surrogate, LIMIT_EXCEEDED
 */
export function mnemonicToSeed(mnemonic: Mnemonic, passphrase: string): Uint8Array {
  parseObject(mnemonic, 'mnemonic', 'words');
  checkCharacters('passphrase, characters', passphrase, PASSPHRASE_MAX_CHARACTERS);
  encodeUtf8(passphrase);
  return mnemonicToSeedSync(mnemonic.words.join(' '), passphrase);
}

function checkCharacters(what: string, text: string, limit: number): void {
  if (parseText(text, what.replace(/,.*/, '')).length > limit) {
    throw new SottoError('LIMIT_EXCEEDED', `Too long: ${what}.`, { what, limit, actual: text.length });
  }
}
