import { qrModules, qrTerminal } from '@sotto/identity';
import type { Outcome } from '../actions/action.js';
import { type ScreenLine, wrapped } from './lines.js';

/** Text and QR codes shown in place of the conversation. */
export interface Page {
  readonly lines: readonly string[];
  readonly codes: readonly string[];
  readonly color?: string | undefined;
}

/** The page for an outcome, if it has text or codes. */
export function pageOf({ said, codes }: Outcome): Page | undefined {
  return said === undefined && codes === undefined ? undefined : { lines: said ?? [], codes: codes ?? [] };
}

/** Columns between a code and the text beside it. */
const GAP = 2;
/** Narrower than this, a text is better read below the code. */
const BESIDE_NEEDS_COLUMNS = 24;

/** Lays out a page: the first QR code that fits, and the text below it or, where that would need scrolling, beside it. */
export function pageLines({ lines, codes, color }: Page, width: number, height: number): ScreenLine[] {
  const text = lines.flatMap((line) => wrapped(line, width, color === undefined ? {} : { color }));
  if (codes.length === 0) return text;
  // A screen is never dirty, so the lowest error correction, with the smallest code, is enough.
  const options = { errorCorrection: 'low' } as const;
  const fitting = codes.find((code) => {
    const side = qrModules(code, options).length;
    return side <= width && Math.ceil(side / 2) <= height;
  });
  if (fitting === undefined) {
    return [
      ...wrapped('The window is too small for the QR code. Make it larger and try again.', width),
      ...text,
    ];
  }
  const code = qrTerminal(fitting, options).split('\n');
  const side = qrModules(fitting, options).length;
  const besideWidth = width - side - GAP;
  if (code.length + 1 + text.length > height && besideWidth >= BESIDE_NEEDS_COLUMNS) {
    const beside = lines.flatMap((line) => wrapped(line, besideWidth));
    const rows = Math.max(code.length, beside.length);
    return Array.from({ length: rows }, (_, row) => ({
      text: `${code[row] ?? ' '.repeat(side)}${' '.repeat(GAP)}${beside[row]?.text ?? ''}`,
    }));
  }
  return [...code.map((line) => ({ text: line })), { text: '' }, ...text];
}
