import { decodeBase64 } from '@sotto/core';
import { loadVectors } from '@sotto/testing/vectors';
import { decode } from 'fast-png';
import { describe, expect, test } from 'vitest';
import {
  createIdenticon,
  IDENTICON_SIZE,
  identiconPixels,
  identiconPng,
  identiconSvg,
  parseKeyText,
} from '../src/index.js';
import { crypto, thrown } from './support.js';

/** RGBA of a PNG file. */
function pixelsOf(png: Uint8Array): number[] {
  const { width, height, channels, depth, data } = decode(png);
  expect({ width, height, depth }).toEqual({ width: IDENTICON_SIZE, height: IDENTICON_SIZE, depth: 8 });
  if (channels === 4) return [...data];
  expect(channels).toBe(3);
  return Array.from({ length: width * height }, (_, i) => [...data.slice(3 * i, 3 * i + 3), 255]).flat();
}

describe('identicons of the deployed client, pixel by pixel', () => {
  test.each(loadVectors('account').cases)('$chatCompressed', ({ chatPublic, identiconPng: vector }) => {
    const expected = pixelsOf(decodeBase64(vector.replace(/^data:image\/png;base64,/, '')));
    const identicon = createIdenticon(crypto, parseKeyText(crypto, chatPublic));
    expect([...identiconPixels(identicon).data]).toEqual(expected);
    expect(pixelsOf(identiconPng(identicon))).toEqual(expected);
    expect(pixelsOfSvg(identiconSvg(identicon))).toEqual(expected);
  });
});

/** Draws what the SVG says: whole paths of squares and nothing else. */
function pixelsOfSvg(svg: string): number[] {
  expect(svg).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" viewBox="0 0 50 50" [^<>]*>.*<\/svg>$/);
  const [, background, color, path] =
    /<path fill="([^"]+)" d="M0 0h50v50H0z"\/><path fill="rgb\(([\d,]+)\)" d="([^"]*)"\/><\/svg>$/.exec(
      svg,
    ) ?? [];
  expect(background).toBe('#fff');
  const rgb = (color ?? '').split(',').map(Number);
  const pixels = new Array<number>(50 * 50 * 4).fill(255);
  for (const [, x, y] of (path ?? '').matchAll(/M(\d+) (\d+)h6v6h-6z/g)) {
    for (let i = 0; i < 36; i++) {
      const at = ((Number(y) + Math.floor(i / 6)) * 50 + Number(x) + (i % 6)) * 4;
      pixels.splice(at, 3, ...rgb);
    }
  }
  expect((path ?? '').replace(/M\d+ \d+h6v6h-6z/g, '')).toBe('');
  return pixels;
}

test('either form of a key has the same picture, mirrored and fresh', () => {
  const { publicKey } = crypto.secp256k1.generateKeyPair();
  const identicon = createIdenticon(crypto, publicKey);
  expect(createIdenticon(crypto, crypto.secp256k1.uncompressPublicKey(publicKey))).toEqual(identicon);
  for (const row of identicon.cells) expect([...row].reverse()).toEqual(row);
  identiconPixels(identicon).data.fill(0);
  expect(identiconPixels(identicon).data[0]).toBe(255);
});

test('only a public key has a picture', () => {
  thrown('INVALID_PUBLIC_KEY', () => createIdenticon(crypto, new Uint8Array(33)));
});
