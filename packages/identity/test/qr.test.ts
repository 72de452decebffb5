import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decodeQr,
  encodeContactCard,
  type PixelImage,
  parseContactCard,
  QR_IMAGE_MAX_SIDE,
  type QrErrorCorrection,
  qrModules,
  qrSvg,
  qrTerminal,
} from '../src/index.js';
import { bundleOf, crypto, thrown } from './support.js';

const { publicKey } = crypto.secp256k1.keyPairFromPrivateKey(new Uint8Array(32).fill(1));
const card = encodeContactCard(crypto, { identity: publicKey, bundle: bundleOf(publicKey, 3) });
/** No limit but that of the work itself: a slow machine decodes what a fast one does. */
const patient = { retryMilliseconds: Number.POSITIVE_INFINITY };

/** Draws a code, each module `scale` pixels wide, in grey levels. */
function imageOf(modules: readonly (readonly boolean[])[], scale = 4, dark = 0, light = 255): PixelImage {
  const side = modules.length * scale;
  const data = new Uint8ClampedArray(side * side * 4).fill(255);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const level = modules[Math.floor(y / scale)]?.[Math.floor(x / scale)] ? dark : light;
      data.fill(level, (y * side + x) * 4, (y * side + x) * 4 + 3);
    }
  }
  return { width: side, height: side, data };
}

function rotated({ width, height, data }: PixelImage): PixelImage {
  const turned = new Uint8ClampedArray(data.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = (y * width + x) * 4;
      turned.set(data.subarray(from, from + 4), (x * height + (height - 1 - y)) * 4);
    }
  }
  return { width: height, height: width, data: turned };
}

describe('drawn and read back', () => {
  test('a card with the bundle of three devices', () => {
    const text = decodeQr(imageOf(qrModules(card)), patient);
    expect(parseContactCard(crypto, text, { expected: publicKey }).bundle?.signedPreKeys.size).toBe(3);
  });

  test.each<QrErrorCorrection>(['low', 'medium', 'quartile', 'high'])(
    'error correction %s',
    (errorCorrection) => {
      expect(decodeQr(imageOf(qrModules(card, { errorCorrection })), patient)).toBe(card);
    },
  );

  test('turned, grey, and in a Uint8Array', () => {
    const image = imageOf(qrModules(card), 5, 70, 180);
    expect(decodeQr(rotated(image), patient)).toBe(card);
    expect(decodeQr({ ...image, data: new Uint8Array(image.data) }, patient)).toBe(card);
  });

  test('partly hidden, within the error correction', () => {
    const modules = qrModules('hello', { errorCorrection: 'high' });
    modules.slice(12, 15).forEach((row) => {
      row.fill(true, 14, 17);
    });
    expect(decodeQr(imageOf(modules, 6), patient)).toBe('hello');
  });

  test('any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }), (text) => {
        expect(decodeQr(imageOf(qrModules(text)), patient)).toBe(text);
      }),
      { numRuns: 30 },
    );
  });

  test('the SVG has the same modules, black on white', () => {
    const modules = qrModules(card);
    const size = modules.length;
    const svg = qrSvg(card);
    expect(svg).toContain(`viewBox="0 0 ${size} ${size}"`);
    expect(svg).toContain(`<path fill="#fff" d="M0 0h${size}v${size}H0z"/>`);
    const drawn = modules.map((row) => row.map(() => false));
    for (const [, x, y] of svg.matchAll(/M(\d+) (\d+)h1v1h-1z/g)) (drawn[Number(y)] ?? [])[Number(x)] = true;
    expect(drawn).toEqual(modules);
  });

  test('the terminal text has the same modules, light ones drawn', () => {
    const modules = qrModules(card);
    const lines = qrTerminal(card, { color: false }).split('\n');
    const drawn = lines.flatMap((line) => [
      [...line].map((block) => !'▀█'.includes(block)),
      [...line].map((block) => !'▄█'.includes(block)),
    ]);
    expect(drawn.slice(0, modules.length)).toEqual(modules);
    expect(lines).toHaveLength(Math.ceil(modules.length / 2));

    const coloured = qrTerminal(card).split('\n');
    expect(coloured).toEqual(lines.map((line) => `\x1b[97;40m${line}\x1b[0m`));
  });

  test('around it is a quiet zone of 4', () => {
    const modules = qrModules('x');
    const border = [...modules.slice(0, 4), ...modules.slice(-4)].flat();
    const sides = modules.flatMap((row) => [...row.slice(0, 4), ...row.slice(-4)]);
    expect([...border, ...sides].some((dark) => dark)).toBe(false);
    expect(modules).toHaveLength(21 + 8);
  });
});

/** Each pixel as `pixel` has it, from that of the image. */
function repainted(image: PixelImage, pixel: (dark: boolean) => readonly number[]): PixelImage {
  const data = Uint8ClampedArray.from(image.data);
  for (let at = 0; at < data.length; at += 4) data.set(pixel((data[at] as number) < 128), at);
  return { ...image, data };
}

function mirroredImage({ width, height, data }: PixelImage): PixelImage {
  const turned = new Uint8ClampedArray(data.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = (y * width + x) * 4;
      turned.set(data.subarray(from, from + 4), (y * width + (width - 1 - x)) * 4);
    }
  }
  return { width, height, data: turned };
}

/** Turned around its middle, on white, with the pixel that is nearest. */
function turnedBy({ width, data }: PixelImage, degrees: number): PixelImage {
  const [sine, cosine] = [Math.sin((degrees * Math.PI) / 180), Math.cos((degrees * Math.PI) / 180)];
  const side = Math.ceil(width * 1.5);
  const turned = new Uint8ClampedArray(side * side * 4).fill(255);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const [dx, dy] = [x - side / 2, y - side / 2];
      const fromX = Math.floor(cosine * dx + sine * dy + width / 2);
      const fromY = Math.floor(cosine * dy - sine * dx + width / 2);
      if (fromX < 0 || fromY < 0 || fromX >= width || fromY >= width) continue;
      const from = (fromY * width + fromX) * 4;
      turned.set(data.subarray(from, from + 4), (y * side + x) * 4);
    }
  }
  return { width: side, height: side, data: turned };
}

const small = 'SOTTO:1/SMALL';
const large = `SOTTO:1/${'A'.repeat(640)}`;
const sizes: readonly (readonly [string, string])[] = [
  ['small', small],
  ['a card', card],
  ['large', large],
];

describe.each(sizes)('taken badly: %s', (_, text) => {
  test.each([2, 4, 8])('in a mirror, %i pixels a module', (scale) => {
    const image = imageOf(qrModules(text), scale);
    expect(decodeQr(mirroredImage(image), patient)).toBe(text);
    expect(decodeQr(mirroredImage(turnedBy(image, 20)), patient)).toBe(text);
  });

  test.each<[string, (dark: boolean) => readonly number[]]>([
    ['light is transparent black', (dark) => (dark ? [0, 0, 0, 255] : [0, 0, 0, 0])],
    ['light is transparent white', (dark) => (dark ? [0, 0, 0, 255] : [255, 255, 255, 0])],
    ['dark is transparent black', (dark) => (dark ? [0, 0, 0, 0] : [255, 255, 255, 255])],
    ['dark is transparent white', (dark) => (dark ? [255, 255, 255, 0] : [255, 255, 255, 255])],
    ['light is half transparent black', (dark) => (dark ? [0, 0, 0, 255] : [0, 0, 0, 60])],
  ])('on a transparent ground: %s', (_name, pixel) => {
    const image = repainted(imageOf(qrModules(text), 4), pixel);
    expect(decodeQr(image, patient)).toBe(text);
    expect(decodeQr(mirroredImage(image), patient)).toBe(text);
  });

  test.each([
    [110, 140],
    [115, 140],
    [120, 135],
    [220, 250],
    [230, 255],
    [0, 25],
  ])('low contrast: %i on %i', (dark, light) => {
    for (const scale of [2, 4, 8]) {
      const image = imageOf(qrModules(text), scale, dark, light);
      expect(decodeQr(image, patient)).toBe(text);
      expect(decodeQr(mirroredImage(image), patient)).toBe(text);
    }
  });

  test('low contrast in a picture that has black and white elsewhere', () => {
    const { width, height, data } = imageOf(qrModules(text), 4, 110, 140);
    const wider = { width: 2 * width, height, data: new Uint8ClampedArray(2 * data.length).fill(255) };
    for (let y = 0; y < height; y++) {
      wider.data.set(data.subarray(y * width * 4, (y + 1) * width * 4), y * width * 8);
      if (y < height / 2) wider.data.fill(0, (2 * y + 1) * width * 4 + 80, (2 * y + 2) * width * 4);
    }
    expect(decodeQr(wider, patient)).toBe(text);
  });

  test.each([7, 20, 30, 40, 45, 50, 60, 70, 135, 225, 315])('turned by %i degrees', (degrees) => {
    expect(decodeQr(turnedBy(imageOf(qrModules(text)), degrees), patient)).toBe(text);
  });
});

describe('how long a picture is looked at', () => {
  /** Ten milliseconds pass each time it is looked at. */
  const slow = () => {
    let now = 0;
    return {
      now() {
        now += 10;
        return now;
      },
    };
  };

  test('no time: one look, and no longer', () => {
    const image = mirroredImage(imageOf(qrModules(small)));
    thrown('QR_UNREADABLE', () => decodeQr(image, { retryMilliseconds: 0 }));
    thrown('QR_UNREADABLE', () => decodeQr(image, { retryMilliseconds: 9, clock: slow() }));
    expect(decodeQr(imageOf(qrModules(small)), { retryMilliseconds: 0 })).toBe(small);
  });

  test('a second: every look that there is time for', () => {
    const image = mirroredImage(imageOf(qrModules(small)));
    expect(decodeQr(image, { retryMilliseconds: 1000, clock: slow() })).toBe(small);
  });

  test('a camera that has not begun: no code, whatever the time', () => {
    thrown('QR_UNREADABLE', () => decodeQr({ width: 0, height: 0, data: new Uint8ClampedArray() }, patient));
  });
});

describe('hostile: what has no room, what is no code', () => {
  test('pixels of another realm are taken; what is none is refused by name', () => {
    const { width, height, data } = imageOf(qrModules(small));
    for (const kind of ['Uint8Array', 'Uint8ClampedArray']) {
      const foreign = runInNewContext(`${kind}.from(data)`, { data });
      expect(decodeQr({ width, height, data: foreign }, patient)).toBe(small);
    }
    for (const other of [
      [...data],
      'text',
      undefined,
      new Int8Array(data),
      new DataView(data.buffer as ArrayBuffer),
    ]) {
      const error = thrown('INVALID_ARGUMENT', () => decodeQr({ width, height, data: other as never }));
      expect(error.details).toMatchObject({ what: 'data of an image' });
    }
    thrown('INVALID_ARGUMENT', () => decodeQr(undefined as never));
  });

  test.each<[QrErrorCorrection, number]>([
    ['low', 2953],
    ['medium', 2331],
    ['quartile', 1663],
    ['high', 1273],
  ])('at %s a code holds %i bytes', (errorCorrection, limit) => {
    expect(qrModules('a'.repeat(limit), { errorCorrection })).toHaveLength(177 + 8);
    const error = thrown('LIMIT_EXCEEDED', () => qrModules('a'.repeat(limit + 1), { errorCorrection }));
    expect(error.details).toEqual({ what: 'text of a QR code, bytes', limit, actual: limit + 1 });
  });

  test('half of a surrogate pair', () => {
    thrown('INVALID_TEXT', () => qrSvg('\ud800'));
  });

  test('an empty picture, noise, half a code', () => {
    const noise = new Uint8Array(100 * 100 * 4).map((_, i) => (i * 2654435761) >>> 13);
    const half = imageOf(qrModules(card));
    half.data.fill(255, half.data.length / 2);
    const images: PixelImage[] = [
      { width: 100, height: 100, data: new Uint8Array(40_000) },
      { width: 100, height: 100, data: noise },
      { width: 1, height: 1, data: new Uint8Array(4) },
      half,
    ];
    for (const image of images) thrown('QR_UNREADABLE', () => decodeQr(image));
  });

  test('too much hidden', () => {
    const modules = qrModules(card, { errorCorrection: 'low' });
    modules.slice(20, 60).forEach((row) => {
      row.fill(true, 20, 60);
    });
    thrown('QR_UNREADABLE', () => decodeQr(imageOf(modules)));
  });

  test('sizes that are none, or not those of the data', () => {
    const data = new Uint8Array(16);
    for (const [width, height] of [
      [0, 2],
      [2, -2],
      [1.5, 2],
      [Number.NaN, 2],
      [2, 3],
      [1, 1],
    ] as const) {
      thrown('INVALID_ARGUMENT', () => decodeQr({ width, height, data }));
    }
    const width = QR_IMAGE_MAX_SIDE + 1;
    expect(thrown('LIMIT_EXCEEDED', () => decodeQr({ width, height: 1, data })).details).toEqual({
      what: 'side of an image, pixels',
      limit: QR_IMAGE_MAX_SIDE,
      actual: width,
    });
  });

  test('what is not a time', () => {
    for (const retryMilliseconds of [-1, Number.NaN]) {
      thrown('INVALID_ARGUMENT', () => decodeQr(imageOf(qrModules('x')), { retryMilliseconds }));
    }
  });
});
