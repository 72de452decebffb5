import { stripVTControlCharacters, styleText } from 'node:util';

type Style = Extract<Parameters<typeof styleText>[0], string>;

/** Where the demo writes: lines of text, coloured where the reader can see colours. */
export interface Screen {
  line(text?: string): void;
}

/** Colours a text, where standard output is a terminal and NO_COLOR does not forbid it. */
export function styled(text: string, ...styles: readonly Style[]): string {
  // One by one: given a list, styleText of Node 20 doesn't look at the stream.
  return styles.reduce((inner, style) => styleText(style, inner, { stream: process.stdout }), text);
}

/** Whether colours show: standard output is a terminal that has them, and no one forbids it. */
export function coloured(): boolean {
  return styled(' ', 'bold') !== ' ';
}

/** Writes to standard output. */
export const terminal: Screen = {
  line: (text = '') => process.stdout.write(`${text}\n`),
};

/** Columns that a line may have. */
export const WIDTH = 80;

/** A text in lines of at most so many columns, broken between words; a longer word is broken too. */
export function wrapped(text: string, columns: number): string[] {
  if (width(text) <= columns) return [text];
  const pieces = text.split(/\s+/).flatMap((word) => word.match(new RegExp(`.{1,${columns}}`, 'gu')) ?? []);
  const lines: string[] = [];
  for (const piece of pieces) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + piece.length <= columns)
      lines[lines.length - 1] += ` ${piece}`;
    else lines.push(piece);
  }
  return lines;
}

/** Lines up columns; `right` names those that are numbers. */
export function table(rows: readonly (readonly string[])[], right: readonly number[] = []): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => width(row[column] ?? ''))));
  return rows.map((row) =>
    row
      .map((cell, column) => {
        const gap = ' '.repeat((widths[column] ?? 0) - width(cell));
        return right.includes(column) ? gap + cell : cell + gap;
      })
      .join('  ')
      .trimEnd(),
  );
}

function width(text: string): number {
  return stripVTControlCharacters(text).length;
}

/** A text from outside, safe to show: shortened, and without control characters. */
export function shown(bytes: Uint8Array, most = 33): string {
  const text = new TextDecoder().decode(bytes).replace(/\p{Control}/gu, '\u{fffd}');
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}
