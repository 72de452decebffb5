import { qrModules, qrTerminal } from '@sotto/identity';
import { coloured } from './screen.js';
import type { Stage } from './stage.js';

/** The smallest code there is for the text: a screen doesn't get dirty. */
const errorCorrection = 'low';
/** Pixels of a photograph for each module of the code. */
const PIXELS = 4;

/** Draws a text as a QR code; where there are no colours it might be drawn dark on dark, so its beginning is shown. */
export function showQr(stage: Stage, text: string): void {
  if (!coloured()) {
    stage.show(`${text.slice(0, 32)}…  (drawn on a screen with colours)`);
    return;
  }
  for (const line of qrTerminal(text, { errorCorrection }).split('\n')) stage.show(line);
}

/** What a camera would make of the code: RGBA pixels. */
export function photograph(text: string): { width: number; height: number; data: Uint8ClampedArray } {
  const modules = qrModules(text, { errorCorrection });
  const side = modules.length * PIXELS;
  const data = new Uint8ClampedArray(side * side * 4).fill(255);
  for (let pixel = 0; pixel < side * side; pixel++) {
    const row = modules[Math.floor(pixel / side / PIXELS)];
    if (row?.[Math.floor((pixel % side) / PIXELS)]) data.fill(0, pixel * 4, pixel * 4 + 3);
  }
  return { width: side, height: side, data };
}
