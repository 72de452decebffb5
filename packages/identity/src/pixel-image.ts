/** Pixels as a canvas's ImageData has them, so that either fits the other. */
export interface PixelImage {
  /** In pixels. */
  readonly width: number;
  /** In pixels. */
  readonly height: number;
  /** RGBA, 4 bytes a pixel, row by row from the top: `width * height * 4` bytes. */
  readonly data: Uint8Array | Uint8ClampedArray;
}
