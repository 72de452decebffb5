import type { Key } from 'ink';

/** A line that is being typed. */
export interface Line {
  readonly text: string;
  /** Where the next character goes, in UTF-16 units. */
  readonly cursor: number;
}

/** A key, or a piece of text that was typed or pasted. */
export interface Stroke {
  readonly input: string;
  readonly key: Partial<Key>;
}

/** What the terminal sends before and after pasted text, as Ink hands it over. */
const PASTE_BEGINS = '[200~';
const PASTE_ENDS = '[201~';

/** Tells keys from pasted text, which the terminal brackets (`enterScreen` asks it to). */
export class StrokeReader {
  #pasting = false;

  /**
   * The strokes in one piece of input. Those of a fast typist come together, as one text with control characters in it;
   * each Enter is one. A line break in pasted text is a line break.
   */
  read(input: string, key: Key): readonly Stroke[] {
    if (input === PASTE_BEGINS || input === PASTE_ENDS) {
      this.#pasting = input === PASTE_BEGINS;
      return [];
    }
    // A paste that is an Enter alone comes as the key.
    if (this.#pasting) return [{ input: key.return ? '\n' : key.tab ? ' ' : input, key: {} }];
    const pieces = input.match(/\r\n?|[^\p{Cc}]+|\p{Cc}/gu) ?? [];
    return pieces.length < 2 ? [{ input, key }] : pieces.map(strokeOf);
  }
}

function strokeOf(piece: string): Stroke {
  if (piece.startsWith('\r')) return { input: piece, key: { return: true } };
  if (piece === '\n') return { input: piece, key: {} };
  if (piece === '\t') return { input: '', key: { tab: true } };
  if (piece === '\x7f' || piece === '\b') return { input: '', key: { backspace: true } };
  const control = /^\p{Cc}/u.test(piece);
  return control ? { input: letterOf(piece), key: { ctrl: true } } : { input: piece, key: {} };
}

/** The letter that is pressed with Ctrl for a control character. */
function letterOf(control: string): string {
  return String.fromCharCode(control.charCodeAt(0) + 0x60);
}

export const EMPTY_LINE: Line = { text: '', cursor: 0 };

/** The line with its cursor at the end. */
export function lineOf(text: string): Line {
  return { text, cursor: text.length };
}

/** The line after a key, or after something that was pasted. Keys that mean nothing here leave it as it is. */
export function edit({ text, cursor }: Line, { input, key }: Stroke): Line {
  const before = text.slice(0, cursor);
  const after = text.slice(cursor);
  const previous = cursor - (lastCharacter(before)?.length ?? 0);
  if (key.leftArrow) return { text, cursor: previous };
  if (key.rightArrow) return { text, cursor: cursor + (firstCharacter(after)?.length ?? 0) };
  // Terminals send what is called `delete` here for the key above Enter.
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
