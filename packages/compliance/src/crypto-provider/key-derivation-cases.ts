import { encodeUtf8 as ascii, HKDF_MAX_LENGTH, PBKDF2_MAX_ITERATIONS, PBKDF2_MAX_LENGTH } from '@sotto/core';
import { expectBytes, expectRefusal } from '../support/expectations.js';
import { repeated } from './bytes.js';
import type { ProviderCase } from './provider-case.js';

const NO_COUNTS = [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 32];

export function keyDerivationCases(): readonly ProviderCase[] {
  return [
    {
      name: 'hkdfSha256: RFC 5869, appendix A.1 to A.3',
      run(provider) {
        expectBytes(
          provider.hkdfSha256({
            inputKey: repeated(0x0b, 22),
            salt: sequence(0x00, 13),
            info: sequence(0xf0, 10),
            length: 42,
          }),
          '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865',
          'A.1',
        );
        expectBytes(
          provider.hkdfSha256({
            inputKey: sequence(0x00, 80),
            salt: sequence(0x60, 80),
            info: sequence(0xb0, 80),
            length: 82,
          }),
          `b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c
           59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71
           cc30c58179ec3e87c14c01d5c1f3434f1d87`,
          'A.2',
        );
        expectBytes(
          provider.hkdfSha256({
            inputKey: repeated(0x0b, 22),
            salt: new Uint8Array(),
            info: new Uint8Array(),
            length: 42,
          }),
          '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8',
          'A.3',
        );
      },
    },
    {
      name: 'hkdfSha256: shorter outputs are the beginning of longer ones, up to 8160 bytes',
      run(provider) {
        const inputs = { inputKey: repeated(1, 32), salt: repeated(2, 32), info: ascii('info') };
        const longest = provider.hkdfSha256({ ...inputs, length: HKDF_MAX_LENGTH });
        for (const length of [1, 31, 32, 33, 64, 80, 96, HKDF_MAX_LENGTH]) {
          expectBytes(
            provider.hkdfSha256({ ...inputs, length }),
            longest.subarray(0, length),
            `${length} bytes`,
          );
        }
      },
    },
    {
      name: 'hkdfSha256: no salt is a salt of 32 zero bytes',
      run(provider) {
        const inputs = { inputKey: repeated(1, 32), info: ascii('info'), length: 80 };
        expectBytes(
          provider.hkdfSha256({ ...inputs, salt: new Uint8Array() }),
          provider.hkdfSha256({ ...inputs, salt: new Uint8Array(32) }),
          'output',
        );
      },
    },
    {
      name: 'hkdfSha256: lengths outside 1 .. 8160 are refused',
      run(provider) {
        const inputs = { inputKey: repeated(1, 32), salt: new Uint8Array(), info: new Uint8Array() };
        for (const length of [...NO_COUNTS, HKDF_MAX_LENGTH + 1]) {
          expectRefusal(
            () => provider.hkdfSha256({ ...inputs, length }),
            'INVALID_ARGUMENT',
            `length ${length}`,
          );
        }
      },
    },
    {
      name: 'pbkdf2Sha256: RFC 7914, section 11',
      run(provider) {
        expectBytes(
          provider.pbkdf2Sha256({
            password: ascii('passwd'),
            salt: ascii('salt'),
            iterations: 1,
            length: 64,
          }),
          `55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc
           49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783`,
          'one round',
        );
        expectBytes(
          provider.pbkdf2Sha256({
            password: ascii('Password'),
            salt: ascii('NaCl'),
            iterations: 80_000,
            length: 64,
          }),
          `4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56
           a1d425a1225833549adb841b51c9b3176a272bdebba1d078478f62b397f33c8d`,
          '80000 rounds',
        );
      },
    },
    {
      name: 'pbkdf2Sha256: one round is one HMAC of salt and block number, with empty salt and password too',
      run(provider) {
        for (const [password, salt] of [
          [ascii('status'), new Uint8Array()],
          [new Uint8Array(), ascii('salt')],
          [repeated(0x70, 65), repeated(0x73, 200)],
        ] as const) {
          const first = provider.hmacSha256(password, salt, Uint8Array.of(0, 0, 0, 1));
          const second = provider.hmacSha256(password, salt, Uint8Array.of(0, 0, 0, 2));
          const key = provider.pbkdf2Sha256({ password, salt, iterations: 1, length: 33 });
          expectBytes(key.subarray(0, 32), first, 'first block');
          expectBytes(key.subarray(32), second.subarray(0, 1), 'second block');
        }
      },
    },
    {
      name: 'pbkdf2Sha256: iterations and lengths out of range are refused',
      run(provider) {
        const inputs = { password: ascii('password'), salt: new Uint8Array() };
        for (const iterations of [...NO_COUNTS, PBKDF2_MAX_ITERATIONS + 1]) {
          expectRefusal(
            () => provider.pbkdf2Sha256({ ...inputs, iterations, length: 32 }),
            'INVALID_ARGUMENT',
            `${iterations} iterations`,
          );
        }
        for (const length of [...NO_COUNTS, PBKDF2_MAX_LENGTH + 1]) {
          expectRefusal(
            () => provider.pbkdf2Sha256({ ...inputs, iterations: 1, length }),
            'INVALID_ARGUMENT',
            `length ${length}`,
          );
        }
      },
    },
  ];
}

/** Counting bytes, as the RFC's inputs are. */
function sequence(first: number, count: number): Uint8Array {
  return Uint8Array.from({ length: count }, (_, index) => first + index);
}
