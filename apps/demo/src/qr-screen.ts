import { qrTerminal } from '@sotto/identity';
import { coloured } from './screen.js';
import type { Stage } from './stage.js';

/** Pixels of a photograph for each module of the code. */
const PIXELS = 4;
/** What of a character is light: its upper and its lower half. */
const LIGHT: Readonly<Record<string, readonly [boolean, boolean]>> = {
  ' ': [false, false],
  '▀': [true, false],
  '▄': [false, true],
  '█': [true, true],
};

/**
 * Draws a text as a QR code, and gives the lines of it. Where there are no colours it might come out as light on light,
 * so the beginning of the text is shown instead.
 */
export function showQr(stage: Stage, text: string): readonly string[] {
  // The smallest code there is: a screen doesn't get dirty.
  const draw = (color: boolean) => qrTerminal(text, { errorCorrection: 'low', color }).split('\n');
  if (coloured()) for (const line of draw(true)) stage.show(line);
  else stage.show(`${text.slice(0, 32)}…  (drawn on a screen with colours)`);
  return draw(false);
}

/** What a camera makes of a code that was drawn: RGBA pixels. */
export function photograph(lines: readonly string[]): { width: number; height: number; data: Uint8Array } {
  const modules = lines.flatMap((line) => {
    const halves = [...line].map((character) => LIGHT[character] ?? [false, false]);
    return [halves.map(([upper]) => upper), halves.map(([, lower]) => lower)];
  });
  const width = (modules[0]?.length ?? 0) * PIXELS;
  const height = modules.length * PIXELS;
  const data = new Uint8Array(width * height * 4).fill(255);
  for (let pixel = 0; pixel < width * height; pixel++) {
    const row = modules[Math.floor(pixel / width / PIXELS)];
    const light = row?.[Math.floor((pixel % width) / PIXELS)];
    if (!light) data.fill(0, pixel * 4, pixel * 4 + 3);
  }
  return { width, height, data };
}
