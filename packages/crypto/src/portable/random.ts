import { RANDOM_MAX_LENGTH, type RandomSource } from '@sotto/core';
import { requireInteger, requireLength } from '../arguments.js';

/**
 * Guards a source: its output has the requested length, and is a fresh, plain `Uint8Array` even when the
 * source returns a Buffer or a part of a pool.
 */
export function guardRandom(source: RandomSource): RandomSource {
  return (length) => {
    requireInteger('length', length, 0, RANDOM_MAX_LENGTH);
    const bytes = source(length);
    requireLength('output of the random source', bytes, length);
    return Uint8Array.from(bytes);
  };
}
