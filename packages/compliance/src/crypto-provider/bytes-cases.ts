import { RANDOM_MAX_LENGTH } from '@sotto/core';
import { expectRefusal, expectThat, sameBytes } from '../support/expectations.js';
import { repeated, withBitFlipped } from './bytes.js';
import type { ProviderCase } from './provider-case.js';

export function bytesCases(): readonly ProviderCase[] {
  return [
    {
      name: 'equalBytes: every bit and the length count',
      run(provider) {
        const bytes = repeated(0x5a, 32);
        expectThat(provider.equalBytes(bytes, Uint8Array.from(bytes)), 'equal bytes are equal');
        expectThat(provider.equalBytes(bytes, bytes), 'bytes equal themselves');
        expectThat(provider.equalBytes(new Uint8Array(), new Uint8Array()), 'nothing equals nothing');
        for (let bit = 0; bit < 256; bit++) {
          expectThat(!provider.equalBytes(bytes, withBitFlipped(bytes, bit)), `bit ${bit} counts`);
        }
        for (const length of [0, 1, 31, 33]) {
          expectThat(!provider.equalBytes(bytes, repeated(0x5a, length)), `32 bytes don't equal ${length}`);
          expectThat(!provider.equalBytes(repeated(0x5a, length), bytes), `${length} bytes don't equal 32`);
        }
        expectThat(!provider.equalBytes(new Uint8Array(1), new Uint8Array()), 'a zero byte is not nothing');
      },
    },
    {
      name: 'randomBytes: 0 to 65536 bytes, others each time',
      run(provider) {
        for (const length of [0, 1, 16, 32, 1000, RANDOM_MAX_LENGTH]) {
          const drawn = provider.randomBytes(length);
          expectThat(drawn.length === length, `${length} bytes are ${length} bytes`);
          expectThat(drawn.constructor.name === 'Uint8Array', 'what comes out is a plain Uint8Array');
        }
        expectThat(!sameBytes(provider.randomBytes(32), provider.randomBytes(32)), 'two draws differ');
      },
    },
    {
      name: 'randomBytes: other lengths are refused',
      run(provider) {
        for (const length of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, RANDOM_MAX_LENGTH + 1]) {
          expectRefusal(() => provider.randomBytes(length), 'INVALID_ARGUMENT', `length ${length}`);
        }
      },
    },
  ];
}
