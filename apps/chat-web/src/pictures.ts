import { SottoError } from '@sotto/core';
import { decodeQr, QR_IMAGE_MAX_SIDE, qrModules } from '@sotto/identity';
import { decodePatiently, type QrAnswer } from './patient-qr.js';

/** Pixels a module in a picture of a code to hand on. */
const SCALE = 8;

/**
 * The text of the QR code in a picture file.
 * @throws QR_UNREADABLE, also for a file that is no picture
 */
export async function readPicture(file: Blob): Promise<string> {
  const bitmap = await createImageBitmap(file).catch(() => undefined);
  if (bitmap === undefined) throw new TypeError("This browser can't open this file as a picture.");
  // Phone cameras make larger pictures than can be looked through.
  const shrink = Math.min(1, QR_IMAGE_MAX_SIDE / 2 / Math.max(bitmap.width, bitmap.height));
  const canvas = new OffscreenCanvas(
    Math.max(1, Math.round(bitmap.width * shrink)),
    Math.max(1, Math.round(bitmap.height * shrink)),
  );
  const context = canvas.getContext('2d') as OffscreenCanvasRenderingContext2D;
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  const text = await lookFor(context.getImageData(0, 0, canvas.width, canvas.height));
  if (text !== undefined) return text;
  throw new SottoError('QR_UNREADABLE', 'No readable QR code was found in this picture.', {
    reason: 'no code, or one that is blurred, cut off or damaged',
  });
}

/** Looks for a code on another thread, so that the page goes on meanwhile; on this one where there are none. */
async function lookFor(image: ImageData): Promise<QrAnswer> {
  let worker: Worker;
  try {
    worker = new Worker(new URL('./qr-worker.ts', import.meta.url), { type: 'module' });
  } catch {
    return decodePatiently(image);
  }
  return new Promise<QrAnswer>((resolve) => {
    worker.onmessage = ({ data }: MessageEvent<QrAnswer>) => resolve(data);
    worker.onerror = () => resolve(decodePatiently(image));
    worker.postMessage(image);
  }).finally(() => worker.terminate());
}

/** The text of the QR code that a camera sees now; `undefined` when it sees none. */
export function readFrame(video: HTMLVideoElement, canvas: OffscreenCanvas): string | undefined {
  if (video.videoWidth === 0) return undefined;
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  const context = canvas.getContext('2d', { willReadFrequently: true }) as OffscreenCanvasRenderingContext2D;
  context.drawImage(video, 0, 0);
  try {
    return decodeQr(context.getImageData(0, 0, canvas.width, canvas.height));
  } catch {
    return undefined;
  }
}

/** A QR code as a PNG file. */
export async function drawPicture(text: string): Promise<Blob> {
  const modules = qrModules(text);
  const side = modules.length * SCALE;
  const canvas = new OffscreenCanvas(side, side);
  const context = canvas.getContext('2d') as OffscreenCanvasRenderingContext2D;
  context.fillStyle = '#fff';
  context.fillRect(0, 0, side, side);
  context.fillStyle = '#000';
  modules.forEach((row, y) => {
    row.forEach((dark, x) => {
      if (dark) context.fillRect(x * SCALE, y * SCALE, SCALE, SCALE);
    });
  });
  return canvas.convertToBlob({ type: 'image/png' });
}

/** Hands a file to the user, as a download. */
export function saveFile(name: string, content: Blob): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
