import type { PixelImage } from './pixel-image.js';

/** A picture in grey: a byte for each pixel, 0 is black, row by row from the top. */
export interface GreyImage {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** Converts a picture to grey, on a background of the given grey (0 to 255) where it is transparent. */
export function flattened({ width, height, data }: PixelImage, ground: number): GreyImage {
  const grey = new Uint8Array(width * height);
  for (let i = 0, at = 0; i < grey.length; i++, at += 4) {
    const [red, green, blue, alpha] = [data[at], data[at + 1], data[at + 2], data[at + 3]] as [
      number,
      number,
      number,
      number,
    ];
    const level = (red + 2 * green + blue) >> 2;
    grey[i] = alpha === 255 ? level : (level * alpha + ground * (255 - alpha)) / 255;
  }
  return { width, height, data: grey };
}

/** Whether any pixel is transparent. */
export function isTransparent({ data }: PixelImage): boolean {
  for (let at = 3; at < data.length; at += 4) if (data[at] !== 255) return true;
  return false;
}

/** Mirrors the picture horizontally. */
export function mirrored({ width, height, data }: GreyImage): GreyImage {
  const turned = new Uint8Array(data.length);
  for (let row = 0; row < data.length; row += width) {
    for (let x = 0; x < width; x++) turned[row + x] = data[row + width - 1 - x] as number;
  }
  return { width, height, data: turned };
}

/** Parts of the shorter side that the neighbourhood of a pixel has, to each side: a finder pattern has to fit in. */
const NEIGHBOURHOOD = 12;
/** Levels by which a pixel has to be darker than its neighbourhood on average: less is noise. */
const NOISE = 2;

/**
 * Black where a pixel is darker than its neighbourhood, else white, however little darker it is: for low contrast, and light
 * that falls on one side.
 */
export function contrasted({ width, height, data }: GreyImage): GreyImage {
  // Of a picture of 4096 by 4096 white pixels, the sum has just room.
  const sums = new Uint32Array((width + 1) * (height + 1));
  for (let y = 0; y < height; y++) {
    let row = 0;
    for (let x = 0; x < width; x++) {
      row += data[y * width + x] as number;
      sums[(y + 1) * (width + 1) + x + 1] = row + (sums[y * (width + 1) + x + 1] as number);
    }
  }
  const reach = Math.max(4, Math.ceil(Math.min(width, height) / NEIGHBOURHOOD));
  const output = new Uint8Array(data.length);
  for (let y = 0; y < height; y++) {
    const [top, bottom] = [Math.max(0, y - reach), Math.min(height, y + reach + 1)];
    for (let x = 0; x < width; x++) {
      const [left, right] = [Math.max(0, x - reach), Math.min(width, x + reach + 1)];
      const at = (row: number, column: number) => sums[row * (width + 1) + column] as number;
      const sum = at(bottom, right) - at(top, right) - at(bottom, left) + at(top, left);
      const mean = sum / ((bottom - top) * (right - left));
      output[y * width + x] = (data[y * width + x] as number) < mean - NOISE ? 0 : 255;
    }
  }
  return { width, height, data: output };
}

/**
 * Turned by an angle around its middle, on a ground of its own colour at the border; as large as it has to be for nothing to
 * be cut off, or smaller, with fewer pixels, where that is more than `mostSide`.
 */
export function rotated({ width, height, data }: GreyImage, degrees: number, mostSide: number): GreyImage {
  const angle = (degrees * Math.PI) / 180;
  const [sine, cosine] = [Math.sin(angle), Math.cos(angle)];
  const wide = width * Math.abs(cosine) + height * Math.abs(sine);
  const high = width * Math.abs(sine) + height * Math.abs(cosine);
  const scale = Math.max(1, wide / mostSide, high / mostSide);
  const size = { width: Math.ceil(wide / scale), height: Math.ceil(high / scale) };
  const output = new Uint8Array(size.width * size.height).fill(data[0] as number);
  for (let y = 0; y < size.height; y++) {
    for (let x = 0; x < size.width; x++) {
      const [dx, dy] = [(x + 0.5 - size.width / 2) * scale, (y + 0.5 - size.height / 2) * scale];
      const fromX = cosine * dx + sine * dy + width / 2 - 0.5;
      const fromY = cosine * dy - sine * dx + height / 2 - 0.5;
      const [left, top] = [Math.floor(fromX), Math.floor(fromY)];
      if (left < 0 || top < 0 || left + 1 >= width || top + 1 >= height) continue;
      const [u, v] = [fromX - left, fromY - top];
      const at = top * width + left;
      const above = (data[at] as number) * (1 - u) + (data[at + 1] as number) * u;
      const below = (data[at + width] as number) * (1 - u) + (data[at + width + 1] as number) * u;
      output[y * size.width + x] = above * (1 - v) + below * v;
    }
  }
  return { ...size, data: output };
}
