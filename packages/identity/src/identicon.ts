import { md5 } from '@noble/hashes/legacy.js';
import { encodeUtf8, parseObject } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import { encode as encodePng } from 'fast-png';
import { checkProvider } from './check-provider.js';
import { formatKeyText } from './key-text.js';
import type { PixelImage } from './pixel-image.js';

/** Width and height of an identicon in pixels. */
export const IDENTICON_SIZE = 50;

const CELLS = 5;
const CELL_SIZE = 6;
const MARGIN = 10;
const SATURATION = 0.5;
const LIGHTNESS = 0.7;

/**
 * The picture of a key: 5 x 5 cells, mirrored, in one colour on white (wire profile, section 8). It helps people
 * to tell contacts apart, but proves nothing: a look-alike is cheap to find. Compare safety numbers for that.
 */
export interface Identicon {
  /** 5 rows of 5 cells; `true` where the cell has the colour. */
  readonly cells: readonly (readonly boolean[])[];
  /** Red, green and blue, 0 to 255. */
  readonly color: readonly [red: number, green: number, blue: number];
}

/**
 * The identicon that deployed clients draw for a public key (33 or 65 bytes).
 * @throws INVALID_PUBLIC_KEY
 */
export function createIdenticon(crypto: CryptoProvider, publicKey: Uint8Array): Identicon {
  checkProvider(crypto);
  const hash = md5(encodeUtf8(formatKeyText(crypto, publicKey, 'uncompressed')));
  const byte = (index: number) => hash[index] as number;
  const indices = Array.from({ length: CELLS }, (_, index) => index);
  const cells = indices.map((row) =>
    indices.map((column) => byte(3 * row + (column > 2 ? 4 - column : column)) % 2 === 0),
  );
  const hue = ((byte(13) + byte(14) + byte(15)) / 765) * 360;
  return { cells, color: hslToRgb(hue, SATURATION, LIGHTNESS) };
}

/** The picture pixel by pixel, 50 x 50, opaque; fresh. */
export function identiconPixels(identicon: Identicon): PixelImage {
  parseObject(identicon, 'identicon', 'cells', 'color');
  const data = new Uint8ClampedArray(IDENTICON_SIZE * IDENTICON_SIZE * 4).fill(0xff);
  for (let y = 0; y < CELLS * CELL_SIZE; y++) {
    for (let x = 0; x < CELLS * CELL_SIZE; x++) {
      if (!identicon.cells[Math.floor(y / CELL_SIZE)]?.[Math.floor(x / CELL_SIZE)]) continue;
      data.set(identicon.color, ((y + MARGIN) * IDENTICON_SIZE + x + MARGIN) * 4);
    }
  }
  return { width: IDENTICON_SIZE, height: IDENTICON_SIZE, data };
}

/** The picture as a PNG file, 50 x 50; fresh. */
export function identiconPng(identicon: Identicon): Uint8Array {
  const { width, height, data } = identiconPixels(identicon);
  return encodePng({ width, height, data, depth: 8, channels: 4 });
}

/** The picture as an SVG document that scales to whatever holds it. */
export function identiconSvg(identicon: Identicon): string {
  parseObject(identicon, 'identicon', 'cells', 'color');
  const squares = identicon.cells.flatMap((row, y) =>
    row.flatMap((on, x) =>
      on
        ? [`M${MARGIN + x * CELL_SIZE} ${MARGIN + y * CELL_SIZE}h${CELL_SIZE}v${CELL_SIZE}h-${CELL_SIZE}z`]
        : [],
    ),
  );
  const size = IDENTICON_SIZE;
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size} ${size}" shape-rendering="crispEdges">` +
    `<path fill="#fff" d="M0 0h${size}v${size}H0z"/>` +
    `<path fill="rgb(${identicon.color.join(',')})" d="${squares.join('')}"/></svg>`
  );
}

/** `hue` in degrees, 0 to 360; the others 0 to 1. */
function hslToRgb(hue: number, saturation: number, lightness: number): [number, number, number] {
  const amplitude = saturation * Math.min(lightness, 1 - lightness);
  const channel = (offset: number) => {
    const k = (offset + hue / 30) % 12;
    return to8Bits(lightness - amplitude * Math.max(-1, Math.min(k - 3, 9 - k, 1)));
  };
  return [channel(0), channel(8), channel(4)];
}

/** By way of 16 bits, as Go's image library does it: the result differs by one from rounding to 8 at once. */
function to8Bits(fraction: number): number {
  return Math.floor(fraction * 0xffff + 0.5) >> 8;
}
