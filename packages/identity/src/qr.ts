import { type Clock, encodeUtf8, invalidArgument, parseObject, SottoError, systemClock } from '@sotto/core';
import { encodeQR } from 'qr';
import { decodeQR } from 'qr/decode.js';
import { contrasted, flattened, type GreyImage, isTransparent, mirrored, rotated } from './grey-image.js';
import type { PixelImage } from './pixel-image.js';

/** How much of a code may be dirty or hidden: low 7 %, medium 15 %, quartile 25 %, high 30 %. */
export type QrErrorCorrection = 'low' | 'medium' | 'quartile' | 'high';

/** Options of {@link qrModules} and {@link qrSvg}. */
export interface QrOptions {
  /** Default `medium`. More of it makes a larger code. */
  readonly errorCorrection?: QrErrorCorrection | undefined;
}

/** Quiet zone around a code in modules, as ISO/IEC 18004 requires. */
const QUIET_ZONE = 4;

/** Capacity of the largest code in bytes. Of text in `0-9A-Z $%*+-./:` it holds 45 % more. */
const MAX_BYTES: Readonly<Record<QrErrorCorrection, number>> = {
  low: 2953,
  medium: 2331,
  quartile: 1663,
  high: 1273,
};

/**
 * The code module by module: rows, `true` is dark, with a quiet zone of 4 around it. For drawing it yourself.
 * @throws LIMIT_EXCEEDED when the text doesn't fit into a code, INVALID_TEXT when it has a lone surrogate
 */
export function qrModules(text: string, options: QrOptions = {}): boolean[][] {
  const ecc = parseObject(options, 'options').errorCorrection ?? 'medium';
  if (!Object.hasOwn(MAX_BYTES, ecc))
    throw invalidArgument('errorCorrection', 'none of low, medium, quartile, high');
  const { length } = encodeUtf8(text);
  try {
    return encodeQR(text, 'raw', { ecc, border: QUIET_ZONE });
  } catch {
    throw new SottoError('LIMIT_EXCEEDED', 'The text does not fit into a QR code.', {
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
   * If false, the code is readable only on a dark background.
   */
  readonly color?: boolean | undefined;
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

/** Indexed by which half is light: none, upper, lower, both. */
const HALF_BLOCKS = [' ', '▀', '▄', '█'] as const;

/** Largest width and height of an image to decode, in pixels. Phone cameras produce larger ones; scale these down. */
export const QR_IMAGE_MAX_SIDE = 4096;

/** Options of {@link decodeQr}. */
export interface QrDecodeOptions {
  /**
   * How long to try harder when the first look finds nothing, in ms: on a mirror image, with more contrast, on white where it
   * is transparent, turned. The default, 16, is one frame of a camera at 60 frames a second, and enough for one or
   * two of these; for a picture from a file, a second is well spent. An attempt in progress is finished, which takes hundredths of a second
   * for each megapixel.
   */
  readonly retryMilliseconds?: number | undefined;
  /** Clock to measure the time spent. Default: the system clock. */
  readonly clock?: Pick<Clock, 'now'> | undefined;
}

/**
 * Decodes the first QR code in an image: a camera's frame, or a file's pixels. `image` is borrowed. An empty image (0 by 0), as
 * from a camera that has not started, has none.
 * @throws QR_UNREADABLE when there is none, or none that can be read
 * @throws INVALID_ARGUMENT when width, height and data don't belong together, or for a negative time
 * @throws LIMIT_EXCEEDED beyond {@link QR_IMAGE_MAX_SIDE}
 */
export function decodeQr(image: PixelImage, options: QrDecodeOptions = {}): string {
  const timeLimit = parseObject(options, 'options').retryMilliseconds ?? 16;
  if (!(timeLimit >= 0)) throw invalidArgument('retryMilliseconds', 'negative, or not a number');
  checkImage(image);
  const clock = options.clock ?? systemClock;
  const start = clock.now();
  for (const look of image.width === 0 ? [] : looksAt(image)) {
    const text = look(Math.max(0, timeLimit - (clock.now() - start)));
    if (text !== undefined) return text;
    if (clock.now() - start >= timeLimit) break;
  }
  throw new SottoError('QR_UNREADABLE', 'This image has no readable QR code.', {
    reason: 'no code, or one that is blurred, cut off or damaged',
  });
}

/** Angle of rotation when the decoder finds nothing: it misses large codes near 45 degrees. */
const TURN_DEGREES = 30;

/** One attempt to decode an image: the text, if it finds one. */
type Look = (millisecondsLeft: number) => string | undefined;

/** All attempts to decode an image, the quick and likely ones first. */
function* looksAt(image: PixelImage): Generator<Look, void> {
  const { width, height, data } = image;
  yield () => lookAt({ width, height, data: ownKind(data) }, 'RGBA');
  const grounds = isTransparent(image) ? [255, 0] : [255];
  const flat = grounds.map((ground) => flattened(image, ground));
  if (grounds.length > 1) for (const grey of flat) yield () => lookAt(grey);
  for (const grey of flat) yield () => lookAt(mirrored(grey));
  for (const grey of flat) {
    const sharp = contrasted(grey);
    yield () => lookAt(sharp);
    yield () => lookAt(mirrored(sharp));
  }
  for (const grey of flat) {
    for (const upright of [grey, contrasted(grey)]) {
      const turned = rotated(upright, TURN_DEGREES, QR_IMAGE_MAX_SIDE);
      yield () => lookAt(turned);
      yield () => lookAt(mirrored(turned));
    }
  }
  // All that the decoder can do, for damaged codes.
  for (const grey of flat) {
    yield (timeLimit) => lookAt(grey, 'I420', timeLimit);
    yield (timeLimit) => lookAt(mirrored(grey), 'I420', timeLimit);
  }
}

/**
 * @param format as the decoder calls it: I420 begins with the plane of brightness, and no more of it is read
 * @param harder for how many milliseconds to go on when the first look finds nothing
 */
function lookAt(
  image: GreyImage | PixelImage,
  format: 'I420' | 'RGBA' = 'I420',
  harder?: number,
): string | undefined {
  try {
    const effort = harder === undefined ? {} : { effort: Number.POSITIVE_INFINITY, timeLimit: harder };
    return decodeQR(image, { format, ...effort });
  } catch {
    return undefined;
  }
}

/** The decoder only accepts arrays of its own realm. */
function ownKind(data: PixelImage['data']): PixelImage['data'] {
  return data instanceof Uint8Array || data instanceof Uint8ClampedArray ? data : Uint8Array.from(data);
}

function checkImage(image: PixelImage): void {
  const { width, height, data } = parseObject(image, 'image');
  const kind = Object.prototype.toString.call(data);
  if (kind !== '[object Uint8Array]' && kind !== '[object Uint8ClampedArray]') {
    throw invalidArgument('data of an image', 'neither a Uint8Array nor a Uint8ClampedArray');
  }
  if (width === 0 && height === 0 && data.length === 0) return;
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
