// Looks for a QR code off the page's thread: in a picture from a file that may take a second.
import { decodePatiently } from './patient-qr.js';

addEventListener('message', ({ data }: MessageEvent<ImageData>) => postMessage(decodePatiently(data)));
