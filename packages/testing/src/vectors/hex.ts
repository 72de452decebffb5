import { hexToBytes } from '@noble/hashes/utils.js';

/** Decodes hex as the vectors write it: either case, no `0x`. Throws on anything else. */
export function unhex(hex: string): Uint8Array {
  return hexToBytes(hex);
}
