import { readFile, stat } from 'node:fs/promises';
import { decodeQr, QR_IMAGE_MAX_SIDE } from '@sotto/identity';
import { decode as decodePng } from 'fast-png';
import jpeg from 'jpeg-js';
import { CliError } from './cli-error.js';

/** Largest file that is read. Photos of phones have 5 to 15 MB. */
const FILE_MAX_BYTES = 32 * 1024 * 1024;
/** Longer than for a frame of a camera, which is followed by another. */
const RETRY_MILLISECONDS = 2_000;

/**
Reads the text of the QR code in a picture.
 * @param path of a PNG or JPEG file
 * @throws CliError FILE_UNREADABLE, NOT_A_PICTURE; QR_UNREADABLE
 */
export async function readQrFile(path: string): Promise<string> {
  const bytes = await readPicture(path);
  return decodeQr(pixelsOf(bytes), { retryMilliseconds: RETRY_MILLISECONDS });
}

async function readPicture(path: string): Promise<Uint8Array> {
  try {
    const { size } = await stat(path);
    if (size > FILE_MAX_BYTES) throw new Error('it is larger than 32 MiB');
    return await readFile(path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'no such file' : (code ?? message);
    throw new CliError('FILE_UNREADABLE', `The file cannot be read: ${why}.`);
  }
}

interface Pixels {
  readonly width: number;
  readonly height: number;
  /** RGBA, four bytes per pixel. */
  readonly data: Uint8Array;
}

function pixelsOf(bytes: Uint8Array): Pixels {
  try {
    const pixels = bytes[0] === 0xff ? readJpeg(bytes) : readPng(bytes);
    const factor = Math.ceil(Math.max(pixels.width, pixels.height) / QR_IMAGE_MAX_SIDE);
    return factor > 1 ? downsampled(pixels, factor) : pixels;
  } catch {
    throw new CliError('NOT_A_PICTURE', 'Not a valid PNG or JPEG picture.');
  }
}

function readJpeg(bytes: Uint8Array): Pixels {
  const { width, height, data } = jpeg.decode(bytes, { useTArray: true, maxMemoryUsageInMB: 1024 });
  return { width, height, data };
}

function readPng(bytes: Uint8Array): Pixels {
  const { width, height, depth, channels, palette, data } = decodePng(bytes);
  const pixels = new Uint8Array(width * height * 4);
  // Every row starts at a byte boundary.
  const rowBytes = Math.ceil((width * depth) / 8);
  const sample = (i: number, channel: number): number => {
    if (depth >= 8) return data[i * channels + channel] as number;
    const bit = (i % width) * depth;
    const byte = data[Math.floor(i / width) * rowBytes + (bit >> 3)] as number;
    return (byte >> (8 - depth - (bit & 7))) & (2 ** depth - 1);
  };
  const scale = 255 / (2 ** depth - 1);
  const hasAlpha = palette === undefined && (channels === 2 || channels === 4);
  for (let i = 0; i < width * height; i++) {
    const entry = palette?.[sample(i, 0)];
    const opacity = (entry?.[3] ?? (hasAlpha ? sample(i, channels - 1) * scale : 255)) / 255;
    for (let color = 0; color < 3; color++) {
      const value = entry?.[color] ?? sample(i, channels < 3 ? 0 : color) * scale;
      // Transparent pixels count as white.
      pixels[i * 4 + color] = value * opacity + 255 * (1 - opacity);
    }
    pixels[i * 4 + 3] = 255;
  }
  return { width, height, data: pixels };
}

/** Keeps every n-th pixel of every n-th row. */
function downsampled({ width, height, data }: Pixels, factor: number): Pixels {
  const [w, h] = [Math.floor(width / factor), Math.floor(height / factor)];
  const pixels = new Uint32Array(data.slice().buffer);
  const result = new Uint32Array(w * h).map(
    (_, i) => pixels[Math.floor(i / w) * factor * width + (i % w) * factor] as number,
  );
  return { width: w, height: h, data: new Uint8Array(result.buffer) };
}
