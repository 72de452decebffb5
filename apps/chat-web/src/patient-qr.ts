import { decodeQr } from '@sotto/identity';

/** The text of a code, or that there is none. */
export type QrAnswer = string | undefined;

/** Milliseconds to try harder when the first look finds nothing. */
const RETRY_MS = 1000;

/** Looks for a QR code in a picture from a file, which may take a second. */
export function decodePatiently(image: ImageData): QrAnswer {
  try {
    return decodeQr(image, { retryMilliseconds: RETRY_MS });
  } catch {
    return undefined;
  }
}
