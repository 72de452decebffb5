import { RANDOM_MAX_LENGTH } from '../limits.js';
import { expectRefusal, expectTrue, repeated, sameBytes, withBitFlipped } from './expectations.js';
import type { ProviderCase } from './provider-case.js';

export function bytesCases(): readonly ProviderCase[] {
  return [
    {
      name: 'equalBytes: every bit and the length count',
      run(provider) {
        const bytes = repeated(0x5a, 32);
        expectTrue(provider.equalBytes(bytes, Uint8Array.from(bytes)), 'equal bytes are equal');
        expectTrue(provider.equalBytes(bytes, bytes), 'bytes equal themselves');
        expectTrue(provider.equalBytes(new Uint8Array(), new Uint8Array()), 'nothing equals nothing');
        for (let bit = 0; bit < 256; bit++) {
          expectTrue(!provider.equalBytes(bytes, withBitFlipped(bytes, bit)), `bit ${bit} counts`);
        }
        for (const length of [0, 1, 31, 33]) {
          expectTrue(!provider.equalBytes(bytes, repeated(0x5a, length)), `32 bytes don't equal ${length}`);
          expectTrue(!provider.equalBytes(repeated(0x5a, length), bytes), `${length} bytes don't equal 32`);
        }
        expectTrue(!provider.equalBytes(new Uint8Array(1), new Uint8Array()), 'a zero byte is not nothing');
      },
    },
    {
      name: 'randomBytes: 0 to 65536 bytes, others each time',
      run(provider) {
        for (const length of [0, 1, 16, 32, 1000, RANDOM_MAX_LENGTH]) {
          const drawn = provider.randomBytes(length);
          expectTrue(drawn.length === length, `${length} bytes are ${length} bytes`);
          expectTrue(drawn.constructor.name === 'Uint8Array', 'what comes out is a plain Uint8Array');
        }
        expectTrue(!sameBytes(provider.randomBytes(32), provider.randomBytes(32)), 'two draws differ');
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
