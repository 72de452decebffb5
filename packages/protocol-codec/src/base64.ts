import { decodeBase64 } from '@sotto/core';

/**
 * Decodes base64 in the standard or the URL-safe alphabet, padded or not, as readers of proto3 JSON have to accept
 * it; `undefined` when it is neither.
 */
export function decodeLenientBase64(text: string): Uint8Array | undefined {
  // At most two: an unbounded run of `=` would make this quadratic.
  const digits = text
    .replace(/={1,2}$/, '')
    .replaceAll('-', '+')
    .replaceAll('_', '/');
  if (digits.includes('=')) return undefined;
  try {
    return decodeBase64(digits.padEnd(Math.ceil(digits.length / 4) * 4, '='));
  } catch {
    return undefined;
  }
}
