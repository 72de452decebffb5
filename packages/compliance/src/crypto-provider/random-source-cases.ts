import type { RandomSource, X25519Provider } from '@sotto/core';
import { expectBytes, expectRefusal, expectThat, hex } from '../support/expectations.js';
import { repeated } from './bytes.js';
import { ONE, ORDER, ZERO } from './hostile-inputs.js';

/** Creates a provider that draws its randomness from `random`. */
export type CreateProvider = (options: { readonly random: RandomSource }) => X25519Provider;

/** One requirement on providers with an injected random source. */
export interface RandomSourceCase {
  /** Unique; begins with the operation. */
  readonly name: string;
  /** Throws a plain Error that says what was expected. */
  run(create: CreateProvider): void;
}

/** What tests and reproducible runs rely on: which randomness is drawn, when, and how it is used. */
export function randomSourceCases(): readonly RandomSourceCase[] {
  return [
    {
      name: 'randomBytes: what the source gives, in memory of its own',
      run(create) {
        const pool = repeated(0x41, 100);
        const provider = create({ random: (length) => pool.subarray(0, length) });
        const drawn = provider.randomBytes(16);
        pool.fill(0);
        expectBytes(drawn, repeated(0x41, 16), 'bytes');
      },
    },
    {
      name: 'randomBytes: a source that gives another number of bytes is refused',
      run(create) {
        for (const error of [-1, 1]) {
          const provider = create({ random: (length) => new Uint8Array(length + error).fill(1) });
          const what = `a source that is off by ${error}`;
          expectRefusal(() => provider.randomBytes(32), 'INVALID_LENGTH', what);
          expectRefusal(() => provider.secp256k1.generateKeyPair(), 'INVALID_LENGTH', what);
          expectRefusal(() => provider.x25519.generateKeyPair(), 'INVALID_LENGTH', what);
        }
      },
    },
    {
      name: 'secp256k1.generateKeyPair: the first candidate of 32 bytes that is a scalar, as it is',
      run(create) {
        const { random, draws } = scripted(ZERO, ORDER, 'ff'.repeat(32), ONE, ZERO);
        const pair = create({ random }).secp256k1.generateKeyPair();
        expectBytes(pair.privateKey, ONE, 'private key');
        expectThat(draws.join() === '32,32,32,32', 'four candidates of 32 bytes are drawn');
      },
    },
    {
      name: 'secp256k1.generateKeyPair: a source that never gives a scalar is given up',
      run(create) {
        const { random, draws } = scripted(...Array.from({ length: 17 }, () => ZERO));
        const provider = create({ random });
        expectRefusal(() => provider.secp256k1.generateKeyPair(), 'INVALID_PRIVATE_KEY', 'only zeros');
        expectThat(draws.length === 16, '16 candidates are drawn');
      },
    },
    {
      name: 'x25519.generateKeyPair: the first 32 bytes, as they are',
      run(create) {
        const { random, draws } = scripted('ff'.repeat(32), ZERO);
        const pair = create({ random }).x25519.generateKeyPair();
        expectBytes(pair.privateKey, repeated(0xff, 32), 'private key');
        expectThat(draws.join() === '32', '32 bytes are drawn');
      },
    },
    {
      name: 'generateKeyPair: the pair shares no memory with the source',
      run(create) {
        const pool = repeated(0x41, 32);
        const provider = create({ random: () => pool });
        const pairs = [provider.secp256k1.generateKeyPair(), provider.x25519.generateKeyPair()];
        pool.fill(0);
        for (const pair of pairs) expectBytes(pair.privateKey, repeated(0x41, 32), 'private key');
      },
    },
    {
      name: 'Nothing else draws randomness',
      run(create) {
        const { random, draws } = scripted();
        const provider = create({ random });
        const { secp256k1, x25519 } = provider;
        const { privateKey, publicKey } = secp256k1.keyPairFromPrivateKey(hex(ONE));
        const digest = repeated(1, 32);
        secp256k1.recoverPublicKey(digest, secp256k1.signRecoverable(digest, privateKey));
        secp256k1.ecdh(privateKey, publicKey);
        x25519.ecdh(digest, x25519.keyPairFromPrivateKey(digest).publicKey);
        provider.sealAes256Gcm(digest, repeated(1, 12), digest);
        provider.aesCtr(digest, repeated(1, 16), digest);
        expectThat(draws.length === 0, 'nothing is drawn');
      },
    },
  ];
}

/** A source that returns the bytes of the texts in turn, and the lengths requested from it. */
function scripted(...texts: readonly string[]) {
  const draws: number[] = [];
  const random: RandomSource = (length) => {
    draws.push(length);
    return hex(texts[draws.length - 1] ?? '');
  };
  return { random, draws };
}
