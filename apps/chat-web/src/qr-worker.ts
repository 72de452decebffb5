// Looks for a QR code off the page's thread: in a picture from a file that may take a second.
import { decodeQr } from '@sotto/identity';

/** What the worker answers: the text, or that there is none. */
export type QrAnswer = string | undefined;

/** Milliseconds to try harder when the first look finds nothing. */
const RETRY_MS = 1000;

addEventListener('message', ({ data }: MessageEvent<ImageData>) => {
  let answer: QrAnswer;
  try {
    answer = decodeQr(data, { retryMilliseconds: RETRY_MS });
  } catch {
    answer = undefined;
  }
  postMessage(answer);
});
