import { open } from 'node:fs/promises';
import { decodeQr, QR_IMAGE_MAX_SIDE } from '@sotto/identity';
import { convertIndexedToRgb, decode as decodePng } from 'fast-png';
import jpeg from 'jpeg-js';
import { Complaint } from './complaint.js';

/** Largest file that is looked at: a photo of a phone has 5 to 15 MB. */
const FILE_MAX_BYTES = 32 * 1024 * 1024;
/** A picture from a file is worth a longer look than a frame of a camera. */
const LOOK_MILLISECONDS = 2_000;

/**
 * The text of the QR code in a picture.
 * @param path of a PNG or JPEG file
 * @throws Complaint FILE_UNREADABLE, NOT_A_PICTURE; QR_UNREADABLE
 */
export async function readQrFile(path: string): Promise<string> {
  const bytes = await readPicture(path);
  return decodeQr(pixelsOf(bytes), { retryMilliseconds: LOOK_MILLISECONDS });
}

async function readPicture(path: string): Promise<Uint8Array> {
  try {
    await using file = await open(path.replace(/^file:\/\//, ''));
    const { size } = await file.stat();
    if (size > FILE_MAX_BYTES) throw new Error('too large');
    return await file.readFile();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'there is none of this name' : (code ?? message);
    throw new Complaint('FILE_UNREADABLE', `The file can not be read: ${why}.`);
  }
}

interface Pixels {
  readonly width: number;
  readonly height: number;
  /** Four a pixel. */
  readonly data: Uint8Array;
}

function pixelsOf(bytes: Uint8Array): Pixels {
  try {
    const pixels = bytes[0] === 0xff ? readJpeg(bytes) : readPng(bytes);
    const factor = Math.ceil(Math.max(pixels.width, pixels.height) / QR_IMAGE_MAX_SIDE);
    return factor > 1 ? thinned(pixels, factor) : pixels;
  } catch {
    throw new Complaint('NOT_A_PICTURE', 'This is no PNG or JPEG picture, or a damaged one.');
  }
}

function readJpeg(bytes: Uint8Array): Pixels {
  const { width, height, data } = jpeg.decode(bytes, { useTArray: true, maxMemoryUsageInMB: 1024 });
  return { width, height, data };
}

function readPng(bytes: Uint8Array): Pixels {
  const png = decodePng(bytes);
  const { width, height, depth } = png;
  const samples = png.palette === undefined ? png.data : convertIndexedToRgb(png as never);
  const channels = png.palette === undefined ? png.channels : (png.palette[0]?.length ?? 3);
  const scale = png.palette === undefined ? 2 ** depth - 1 : 255;
  const data = new Uint8Array(width * height * 4);
  for (let i = 0; i < width * height; i++) {
    const at = (channel: number) => (255 * (samples[i * channels + channel] ?? 0)) / scale;
    const hasAlpha = channels === 2 || channels === 4;
    // What shows through is taken for paper.
    const opacity = hasAlpha ? at(channels - 1) / 255 : 1;
    for (let color = 0; color < 3; color++) {
      data[i * 4 + color] = at(channels < 3 ? 0 : color) * opacity + 255 * (1 - opacity);
    }
    data[i * 4 + 3] = 255;
  }
  return { width, height, data };
}

/** Each n-th pixel of each n-th row. */
function thinned({ width, height, data }: Pixels, factor: number): Pixels {
  const [w, h] = [Math.floor(width / factor), Math.floor(height / factor)];
  const pixels = new Uint32Array(data.slice().buffer);
  const result = new Uint32Array(w * h).map(
    (_, i) => pixels[Math.floor(i / w) * factor * width + (i % w) * factor] as number,
  );
  return { width: w, height: h, data: new Uint8Array(result.buffer) };
}
