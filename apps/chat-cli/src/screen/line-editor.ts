import type { Key } from 'ink';

/** The text being typed. */
export interface Line {
  readonly text: string;
  /** Where the next character is inserted, in UTF-16 units. */
  readonly cursor: number;
}

/** A key, or a piece of typed or pasted text. */
export interface KeyPress {
  readonly input: string;
  readonly key: Partial<Key>;
}

/** What the terminal sends before and after pasted text, as Ink hands it over. */
const PASTE_BEGINS = '[200~';
const PASTE_ENDS = '[201~';

/** Separates keys from pasted text, which the terminal brackets because `enterScreen` enables that. */
export class KeyReader {
  #pasting = false;

  /**
   * The key presses in one chunk of input. A fast typist's keys arrive as one chunk with control characters in it; each
   * Enter is a key press. In pasted text a line break stays a line break.
   */
  read(input: string, key: Key): readonly KeyPress[] {
    if (input === PASTE_BEGINS || input === PASTE_ENDS) {
      this.#pasting = input === PASTE_BEGINS;
      return [];
    }
    // Ink reports a paste of a single Enter or Tab as that key.
    if (this.#pasting) return [{ input: key.return ? '\n' : key.tab ? ' ' : input, key: {} }];
    const pieces = input.match(/\r\n?|[^\p{Cc}]+|\p{Cc}/gu) ?? [];
    return pieces.length < 2 ? [{ input, key }] : pieces.map(keyPressOf);
  }
}

function keyPressOf(piece: string): KeyPress {
  if (piece.startsWith('\r')) return { input: piece, key: { return: true } };
  if (piece === '\n') return { input: piece, key: {} };
  if (piece === '\t') return { input: '', key: { tab: true } };
  if (piece === '\x7f' || piece === '\b') return { input: '', key: { backspace: true } };
  const control = /^\p{Cc}/u.test(piece);
  return control ? { input: letterOf(piece), key: { ctrl: true } } : { input: piece, key: {} };
}

/** The letter that, pressed with Ctrl, produces a control character. */
function letterOf(control: string): string {
  return String.fromCharCode(control.charCodeAt(0) + 0x60);
}

export const EMPTY_LINE: Line = { text: '', cursor: 0 };

/** The line with its cursor at the end. */
export function lineOf(text: string): Line {
  return { text, cursor: text.length };
}

/** Applies a key or pasted text to the line. Other keys leave it unchanged. */
export function edit({ text, cursor }: Line, { input, key }: KeyPress): Line {
  const before = text.slice(0, cursor);
  const after = text.slice(cursor);
  const previous = cursor - (lastCharacter(before)?.length ?? 0);
  if (key.leftArrow) return { text, cursor: previous };
  if (key.rightArrow) return { text, cursor: cursor + (firstCharacter(after)?.length ?? 0) };
  // Ink calls the backspace key of many terminals `delete`.
  if (key.backspace || key.delete) return { text: text.slice(0, previous) + after, cursor: previous };
  if (key.home || (key.ctrl && input === 'a')) return { text, cursor: 0 };
  if (key.end || (key.ctrl && input === 'e')) return { text, cursor: text.length };
  if (key.ctrl && input === 'u') return { text: after, cursor: 0 };
  if (key.ctrl && input === 'k') return { text: before, cursor };
  if (key.ctrl && input === 'w') {
    const kept = before.replace(/\S+\s*$/, '');
    return { text: kept + after, cursor: kept.length };
  }
  if (key.ctrl || key.meta || key.escape || key.tab) return { text, cursor };
  const typed = input.replace(/\r\n?/g, '\n').replace(/[^\P{Cc}\n]/gu, ' ');
  return { text: before + typed + after, cursor: cursor + typed.length };
}

const characters = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

function firstCharacter(text: string): string | undefined {
  return characters.segment(text).containing(0)?.segment;
}

function lastCharacter(text: string): string | undefined {
  return characters.segment(text).containing(text.length - 1)?.segment;
}
