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

/** Writes to standard output. */
export const terminal: Screen = {
  line: (text = '') => process.stdout.write(`${text}\n`),
};

export function title(screen: Screen, text: string): void {
  screen.line();
  screen.line(styled(text, 'bold', 'underline'));
}

/** One line that says what is going on. */
export function explain(screen: Screen, text: string): void {
  screen.line(styled(text, 'gray'));
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
