import { encodeUtf8, SottoError } from '@sotto/core';
import { encodeQR } from 'qr';
import { decodeQR } from 'qr/decode.js';
import type { PixelImage } from './pixel-image.js';

/** How much of a code may be dirty or hidden: low 7 %, medium 15 %, quartile 25 %, high 30 %. */
export type QrErrorCorrection = 'low' | 'medium' | 'quartile' | 'high';

/** Options of the functions that draw a code. */
export interface QrOptions {
  /** Default `medium`. More of it makes a larger code. */
  readonly errorCorrection?: QrErrorCorrection;
}

/** Quiet zone in modules: what the standard (ISO/IEC 18004) demands around a code. */
const QUIET_ZONE = 4;

/** Bytes that the largest code has room for. Of text in `0-9A-Z $%*+-./:` it holds 45 % more. */
const MAX_BYTES: Readonly<Record<QrErrorCorrection, number>> = {
  low: 2953,
  medium: 2331,
  quartile: 1663,
  high: 1273,
};

/**
 * The code module by module: rows, `true` is dark, with a quiet zone of 4 around it. For those who draw it themselves.
 * @throws LIMIT_EXCEEDED when the text has no room in a code, INVALID_TEXT when it has half of a surrogate pair
 */
export function qrModules(text: string, options: QrOptions = {}): boolean[][] {
  const ecc = options.errorCorrection ?? 'medium';
  const { length } = encodeUtf8(text);
  try {
    return encodeQR(text, 'raw', { ecc, border: QUIET_ZONE });
  } catch {
    throw new SottoError('LIMIT_EXCEEDED', 'The text has no room in a QR code.', {
      what: 'text of a QR code, bytes',
      limit: MAX_BYTES[ecc],
      actual: length,
    });
  }
}

/**
 * The code as an SVG document, black on white, that scales to whatever holds it.
 * @throws LIMIT_EXCEEDED, INVALID_TEXT as {@link qrModules}
 */
export function qrSvg(text: string, options?: QrOptions): string {
  const modules = qrModules(text, options);
  const size = modules.length;
  const squares = modules.flatMap((row, y) => row.flatMap((dark, x) => (dark ? [`M${x} ${y}h1v1h-1z`] : [])));
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size} ${size}" shape-rendering="crispEdges">` +
    `<path fill="#fff" d="M0 0h${size}v${size}H0z"/><path d="${squares.join('')}"/></svg>`
  );
}

/** Options of {@link qrTerminal}. */
export interface QrTerminalOptions extends QrOptions {
  /**
   * Whether to set white on black by escape codes, so that the terminal's own colours don't matter. Default true.
   * Without, the code is right on a dark background only.
   */
  readonly color?: boolean;
}

/**
 * The code as text for a terminal: lines of half blocks, two modules high, light modules drawn.
 * @throws LIMIT_EXCEEDED, INVALID_TEXT as {@link qrModules}
 */
export function qrTerminal(text: string, options: QrTerminalOptions = {}): string {
  const modules = qrModules(text, options);
  const lines: string[] = [];
  for (let y = 0; y < modules.length; y += 2) {
    const upper = modules[y] as boolean[];
    const lower = modules[y + 1];
    const blocks = upper.map((dark, x) => HALF_BLOCKS[(dark ? 0 : 1) + (lower?.[x] === false ? 2 : 0)]);
    lines.push((options.color ?? true) ? `\x1b[97;40m${blocks.join('')}\x1b[0m` : blocks.join(''));
  }
  return lines.join('\n');
}

/** By what is light: nothing, upper, lower, both. */
const HALF_BLOCKS = [' ', '▀', '▄', '█'] as const;

/** Largest width and height of an image to decode, in pixels. Phone cameras give more; scale their pictures down. */
export const QR_IMAGE_MAX_SIDE = 4096;

/** Options of {@link decodeQr}. */
export interface QrDecodeOptions {
  /**
   * How long to try harder when the first look finds nothing, in ms. The default, 16, is one frame of a camera at 60
   * frames a second; for a picture from a file, a second is well spent.
   */
  readonly retryMilliseconds?: number;
}

/**
 * The text of the first QR code in an image, a camera's frame or a file's pixels; `image` is borrowed.
 * @throws QR_UNREADABLE when there is none, or none that can be read
 * @throws INVALID_ARGUMENT when width, height and data don't belong together, or for a negative time
 * @throws LIMIT_EXCEEDED beyond {@link QR_IMAGE_MAX_SIDE}
 */
export function decodeQr(image: PixelImage, options: QrDecodeOptions = {}): string {
  const timeLimit = options.retryMilliseconds ?? 16;
  if (!(timeLimit >= 0)) throw invalidArgument('retryMilliseconds', 'negative, or not a number');
  checkImage(image);
  try {
    return decodeQR(image, { format: 'RGBA', timeLimit });
  } catch {
    throw new SottoError('QR_UNREADABLE', 'There is no QR code in this image that can be read.', {
      reason: 'no code, or one that is blurred, cut off or damaged',
    });
  }
}

function checkImage({ width, height, data }: PixelImage): void {
  for (const side of [width, height]) {
    if (!Number.isInteger(side) || side < 1) {
      throw invalidArgument('width and height of an image', 'not positive integers');
    }
    if (side > QR_IMAGE_MAX_SIDE) {
      throw new SottoError('LIMIT_EXCEEDED', 'The image is too large; scale it down.', {
        what: 'side of an image, pixels',
        limit: QR_IMAGE_MAX_SIDE,
        actual: side,
      });
    }
  }
  if (data.length !== width * height * 4) {
    throw invalidArgument('data of an image', 'not 4 bytes for each pixel');
  }
}

function invalidArgument(what: string, reason: string): SottoError<'INVALID_ARGUMENT'> {
  return new SottoError('INVALID_ARGUMENT', `Not usable: ${what}: ${reason}.`, { what, reason });
}
