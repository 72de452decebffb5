import { expectBytes, expectRefusal, hex } from '../support/expectations.js';
import { repeated, withBitFlipped } from './bytes.js';
import type { ProviderCase } from './provider-case.js';

/** NIST SP 800-38A, appendix F.5. */
const CTR_IV = 'f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff';
const CTR_PLAINTEXT = `
  6bc1bee22e409f96e93d7e117393172a ae2d8a571e03ac9c9eb76fac45af8e51
  30c81c46a35ce411e5fbc1191a0a52ef f69f2445df4f9b17ad2b417be66c3710`;
const CTR_ANSWERS = [
  [
    '2b7e151628aed2a6abf7158809cf4f3c',
    `874d6191b620e3261bef6864990db6ce 9806f66b7970fdff8617187bb9fffdff
     5ae4df3edbd5d35e5b4f09020db03eab 1e031dda2fbe03d1792170a0f3009cee`,
  ],
  [
    '603deb1015ca71be2b73aef0857d7781 1f352c073b6108d72d9810a30914dff4',
    `601ec313775789a5b7a7f504bbf3d228 f443e3ca4d62b59aca84e990cacaf5c5
     2b0930daa23de94ce87017ba2d84988d dfc9c58db67aada613c2dd08457941a6`,
  ],
] as const;

/** McGrew and Viega, "The Galois/Counter Mode of Operation", appendix B, test cases 13 to 16. */
const GCM_KEY = 'feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308';
const GCM_NONCE = 'cafebabefacedbaddecaf888';
const GCM_PLAINTEXT = `
  d9313225f88406e5a55909c5aff5269a 86a7a9531534f7da2e4c303d8a318a72
  1c3c0c95956809532fcf0e2449a6b525 b16aedf5aa0de657ba637b39`;
const GCM_CIPHERTEXT = `
  522dc1f099567d07f47f37a32a84427d 643a8cdcbfe5c0c97598a2bd2555d1aa
  8cb08e48590dbb3da7b08b1056828838 c5f61e6393ba7a0abcc9f662`;
const GCM_ANSWERS = [
  {
    what: 'test case 13',
    key: '00'.repeat(32),
    nonce: '00'.repeat(12),
    plaintext: '',
    associatedData: '',
    sealed: '530f8afbc74536b9a963b4f1c4cb738b',
  },
  {
    what: 'test case 14',
    key: '00'.repeat(32),
    nonce: '00'.repeat(12),
    plaintext: '00'.repeat(16),
    associatedData: '',
    sealed: 'cea7403d4d606b6e074ec5d3baf39d18 d0d1c8a799996bf0265b98b5d48ab919',
  },
  {
    what: 'test case 15',
    key: GCM_KEY,
    nonce: GCM_NONCE,
    plaintext: `${GCM_PLAINTEXT}1aafd255`,
    associatedData: '',
    sealed: `${GCM_CIPHERTEXT}898015ad b094dac5d93471bdec1a502270e3cc6c`,
  },
  {
    what: 'test case 16',
    key: GCM_KEY,
    nonce: GCM_NONCE,
    plaintext: GCM_PLAINTEXT,
    associatedData: 'feedfacedeadbeeffeedfacedeadbeefabaddad2',
    sealed: `${GCM_CIPHERTEXT} 76fc6ece0f4e1768cddf8853bb2d551b`,
  },
] as const;

export function aesCases(): readonly ProviderCase[] {
  return [
    {
      name: 'aesCtr: NIST SP 800-38A, F.5, with keys of 16 and 32 bytes, in both directions',
      run(provider) {
        for (const [key, ciphertext] of CTR_ANSWERS) {
          expectBytes(provider.aesCtr(hex(key), hex(CTR_IV), hex(CTR_PLAINTEXT)), ciphertext, 'ciphertext');
          expectBytes(provider.aesCtr(hex(key), hex(CTR_IV), hex(ciphertext)), CTR_PLAINTEXT, 'plaintext');
        }
      },
    },
    {
      name: 'aesCtr: every length up to three blocks, nothing included, is the beginning of longer ones',
      run(provider) {
        const [key, ciphertext] = CTR_ANSWERS[1];
        for (let length = 0; length <= 48; length++) {
          expectBytes(
            provider.aesCtr(hex(key), hex(CTR_IV), hex(CTR_PLAINTEXT).subarray(0, length)),
            hex(ciphertext).subarray(0, length),
            `${length} bytes`,
          );
        }
      },
    },
    {
      name: 'aesCtr: the counter has 128 bits and wraps to zero',
      run(provider) {
        const key = hex(CTR_ANSWERS[1][0]);
        const zeros = new Uint8Array(16);
        for (const [iv, next] of [
          ['ff'.repeat(16), '00'.repeat(16)],
          [`${'00'.repeat(12)}ffffffff`, `${'00'.repeat(11)}0100000000`],
          [`01${'ff'.repeat(15)}`, `02${'00'.repeat(15)}`],
        ] as const) {
          const stream = provider.aesCtr(key, hex(iv), new Uint8Array(32));
          expectBytes(stream.subarray(0, 16), provider.aesCtr(key, hex(iv), zeros), `block at ${iv}`);
          expectBytes(stream.subarray(16), provider.aesCtr(key, hex(next), zeros), `block after ${iv}`);
        }
      },
    },
    {
      name: 'aesCtr: keys and ivs of other lengths are refused',
      run(provider) {
        const data = repeated(1, 20);
        for (const length of [0, 8, 15, 17, 24, 31, 33, 64]) {
          expectRefusal(
            () => provider.aesCtr(repeated(1, length), hex(CTR_IV), data),
            'INVALID_LENGTH',
            `key of ${length} bytes`,
          );
        }
        for (const length of [0, 8, 12, 15, 17, 32]) {
          for (const key of [repeated(1, 16), repeated(1, 32)]) {
            expectRefusal(
              () => provider.aesCtr(key, repeated(1, length), data),
              'INVALID_LENGTH',
              `iv of ${length} bytes`,
            );
          }
        }
      },
    },
    {
      name: 'sealAes256Gcm, openAes256Gcm: test cases 13 to 16 of the GCM paper',
      run(provider) {
        for (const { what, key, nonce, plaintext, associatedData, sealed } of GCM_ANSWERS) {
          const aad = hex(associatedData);
          expectBytes(provider.sealAes256Gcm(hex(key), hex(nonce), hex(plaintext), aad), sealed, what);
          expectBytes(provider.openAes256Gcm(hex(key), hex(nonce), hex(sealed), aad), plaintext, what);
        }
      },
    },
    {
      name: 'sealAes256Gcm, openAes256Gcm: no associated data is empty associated data',
      run(provider) {
        const { key, nonce, plaintext, sealed } = GCM_ANSWERS[2];
        expectBytes(provider.sealAes256Gcm(hex(key), hex(nonce), hex(plaintext)), sealed, 'sealed');
        expectBytes(provider.openAes256Gcm(hex(key), hex(nonce), hex(sealed)), plaintext, 'opened');
      },
    },
    {
      name: 'openAes256Gcm: every bit of ciphertext and tag counts',
      run(provider) {
        const { key, nonce, associatedData, sealed } = GCM_ANSWERS[3];
        for (let bit = 0; bit < hex(sealed).length * 8; bit++) {
          expectRefusal(
            () =>
              provider.openAes256Gcm(
                hex(key),
                hex(nonce),
                withBitFlipped(hex(sealed), bit),
                hex(associatedData),
              ),
            'AUTHENTICATION_FAILED',
            `bit ${bit} flipped`,
          );
        }
      },
    },
    {
      name: 'openAes256Gcm: every bit of key, nonce and associated data counts',
      run(provider) {
        const { key, nonce, associatedData, sealed } = GCM_ANSWERS[3];
        const inputs = [hex(key), hex(nonce), hex(associatedData)] as const;
        inputs.forEach((input, which) => {
          for (let bit = 0; bit < input.length * 8; bit++) {
            const [k, n, aad] = inputs.map((other, index) =>
              index === which ? withBitFlipped(other, bit) : other,
            ) as [Uint8Array, Uint8Array, Uint8Array];
            expectRefusal(
              () => provider.openAes256Gcm(k, n, hex(sealed), aad),
              'AUTHENTICATION_FAILED',
              `bit ${bit} of input ${which} flipped`,
            );
          }
        });
        expectRefusal(
          () => provider.openAes256Gcm(inputs[0], inputs[1], hex(sealed)),
          'AUTHENTICATION_FAILED',
          'associated data left out',
        );
      },
    },
    {
      name: 'openAes256Gcm: whatever was cut short fails to authenticate',
      run(provider) {
        const { key, nonce, associatedData, sealed } = GCM_ANSWERS[3];
        for (let length = 0; length < hex(sealed).length; length++) {
          expectRefusal(
            () =>
              provider.openAes256Gcm(
                hex(key),
                hex(nonce),
                hex(sealed).subarray(0, length),
                hex(associatedData),
              ),
            'AUTHENTICATION_FAILED',
            `${length} bytes`,
          );
        }
      },
    },
    {
      name: 'sealAes256Gcm, openAes256Gcm: keys and nonces of other lengths are refused',
      run(provider) {
        const data = repeated(1, 32);
        for (const length of [0, 16, 24, 31, 33, 64]) {
          const what = `key of ${length} bytes`;
          const key = repeated(1, length);
          expectRefusal(() => provider.sealAes256Gcm(key, hex(GCM_NONCE), data), 'INVALID_LENGTH', what);
          expectRefusal(() => provider.openAes256Gcm(key, hex(GCM_NONCE), data), 'INVALID_LENGTH', what);
        }
        for (const length of [0, 8, 11, 13, 16, 32]) {
          const what = `nonce of ${length} bytes`;
          const nonce = repeated(1, length);
          expectRefusal(() => provider.sealAes256Gcm(hex(GCM_KEY), nonce, data), 'INVALID_LENGTH', what);
          expectRefusal(() => provider.openAes256Gcm(hex(GCM_KEY), nonce, data), 'INVALID_LENGTH', what);
        }
        expectRefusal(
          () => provider.openAes256Gcm(repeated(1, 31), hex(GCM_NONCE), new Uint8Array()),
          'INVALID_LENGTH',
          'a short key with nothing sealed',
        );
      },
    },
  ];
}
