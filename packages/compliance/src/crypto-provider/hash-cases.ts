import { encodeUtf8 as ascii } from '@sotto/core';
import { expectBytes, hex } from '../support/expectations.js';
import { repeated } from './bytes.js';
import type { ProviderCase } from './provider-case.js';

const KECCAK_256 = [
  ['', 'c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470'],
  ['abc', '4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45'],
  [
    'The quick brown fox jumps over the lazy dog',
    '4d741b6f1eb29cb2a9b9911c82f56fa8d73b04959d3d9d222895df6c0b28aa15',
  ],
] as const;

/** FIPS 180-4, examples. */
const SHA_256 = [
  ['', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
  ['abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
  [
    'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq',
    '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
  ],
] as const;

/** RFC 4231, section 4; the fifth case has the first 16 bytes only. */
const HMAC_SHA_256: readonly (readonly [key: Uint8Array, data: Uint8Array, mac: string])[] = [
  [repeated(0x0b, 20), ascii('Hi There'), 'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7'],
  [
    ascii('Jefe'),
    ascii('what do ya want for nothing?'),
    '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
  ],
  [
    repeated(0xaa, 20),
    repeated(0xdd, 50),
    '773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe',
  ],
  [
    hex('0102030405060708090a0b0c0d0e0f10111213141516171819'),
    repeated(0xcd, 50),
    '82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b',
  ],
  [repeated(0x0c, 20), ascii('Test With Truncation'), 'a3b6167473100ee06e0c796c2955552b'],
  [
    repeated(0xaa, 131),
    ascii('Test Using Larger Than Block-Size Key - Hash Key First'),
    '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54',
  ],
  [
    repeated(0xaa, 131),
    ascii(
      'This is a test using a larger than block-size key and a larger than block-size data. ' +
        'The key needs to be hashed before being used by the HMAC algorithm.',
    ),
    '9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2',
  ],
];

export function hashCases(): readonly ProviderCase[] {
  return [
    {
      name: 'keccak256: known answers',
      run(provider) {
        for (const [text, digest] of KECCAK_256) expectBytes(provider.keccak256(ascii(text)), digest, text);
      },
    },
    {
      name: 'sha256: FIPS 180-4',
      run(provider) {
        for (const [text, digest] of SHA_256) expectBytes(provider.sha256(ascii(text)), digest, text);
      },
    },
    {
      name: 'hmacSha256: RFC 4231',
      run(provider) {
        for (const [key, data, mac] of HMAC_SHA_256) {
          expectBytes(provider.hmacSha256(key, data).subarray(0, mac.length / 2), mac, 'MAC');
        }
      },
    },
    {
      name: 'hmacSha256: empty key and empty data',
      run(provider) {
        const mac = 'b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad';
        expectBytes(provider.hmacSha256(new Uint8Array(), new Uint8Array()), mac, 'one empty part');
        expectBytes(provider.hmacSha256(new Uint8Array()), mac, 'no part');
      },
    },
    {
      name: 'keccak256, sha256, hmacSha256: parts are what they are when joined, around every block end',
      run(provider) {
        const data = Uint8Array.from({ length: 280 }, (_, index) => index & 0xff);
        // Ends of the blocks of SHA-256 (64, with padding from 56) and of KECCAK-256 (136).
        for (const length of [0, 1, 55, 56, 63, 64, 65, 127, 128, 135, 136, 137, 271, 272, 273, 280]) {
          const whole = data.subarray(0, length);
          const cut = Math.min(length, 65);
          const parts = [whole.subarray(0, cut), new Uint8Array(), whole.subarray(cut)];
          expectBytes(
            provider.keccak256(...parts),
            provider.keccak256(whole),
            `KECCAK-256 of ${length} bytes`,
          );
          expectBytes(provider.sha256(...parts), provider.sha256(whole), `SHA-256 of ${length} bytes`);
          const key = data.subarray(0, 32);
          expectBytes(
            provider.hmacSha256(key, ...parts),
            provider.hmacSha256(key, whole),
            `HMAC of ${length} bytes`,
          );
        }
        expectBytes(provider.keccak256(), KECCAK_256[0][1], 'KECCAK-256 of no part');
        expectBytes(provider.sha256(), SHA_256[0][1], 'SHA-256 of no part');
      },
    },
    {
      name: 'sha256: a million bytes',
      run(provider) {
        expectBytes(
          provider.sha256(repeated(0x61, 1_000_000)),
          'cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0',
          'digest',
        );
      },
    },
  ];
}
