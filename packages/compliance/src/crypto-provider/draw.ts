import { sha256 } from '@noble/hashes/sha2.js';
import { encodeUtf8 } from '@sotto/core';

/** Numbers and bytes that look random and are the same for the same seed. For tests only. */
export interface Draw {
  bytes(length: number): Uint8Array;
  /** From 0 to `below`, exclusive, which is at most 2^32. */
  integer(below: number): number;
  pick<T>(choices: readonly T[]): T;
}

export function createDraw(seed: string): Draw {
  let block = 0;
  let pool = new Uint8Array();
  const draw: Draw = {
    bytes(length) {
      const drawn = new Uint8Array(length);
      for (let filled = 0; filled < length; ) {
        if (pool.length === 0) pool = sha256(encodeUtf8(`${seed}/${block++}`));
        const part = pool.subarray(0, length - filled);
        drawn.set(part, filled);
        pool = pool.subarray(part.length);
        filled += part.length;
      }
      return drawn;
    },
    integer(below) {
      const drawn = draw.bytes(4);
      return new DataView(drawn.buffer).getUint32(0) % below;
    },
    pick(choices) {
      return choices[draw.integer(choices.length)] as (typeof choices)[number];
    },
  };
  return draw;
}
