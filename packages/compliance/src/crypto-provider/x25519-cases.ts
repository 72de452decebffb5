import { encodeHex } from '@sotto/core';
import { expectBytes, expectRefusal, expectThat, hex, sameBytes } from '../support/expectations.js';
import { repeated } from './bytes.js';
import { expectRedacted } from './expect-redacted.js';
import { BASE_NOT_REDUCED, smallOrderPoints, ZERO } from './hostile-inputs.js';
import type { ProviderCase } from './provider-case.js';

const ALICE = '77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a';
const ALICE_PUBLIC = '8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a';
const BOB = '5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb';
const BOB_PUBLIC = 'de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f';
const ALICE_AND_BOB = '4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742';

const BASE = `09${'00'.repeat(31)}`;

export function x25519Cases(): readonly ProviderCase[] {
  return [
    {
      name: 'x25519.ecdh: RFC 7748, section 5.2',
      run({ x25519 }) {
        expectBytes(
          x25519.ecdh(
            hex('a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4'),
            hex('e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c'),
          ),
          'c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552',
          'first vector',
        );
        expectBytes(
          x25519.ecdh(
            hex('4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d'),
            hex('e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493'),
          ),
          '95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957',
          'second vector',
        );
        expectBytes(
          x25519.ecdh(hex(BASE), hex(BASE)),
          '422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079',
          'one iteration',
        );
      },
    },
    {
      name: 'x25519: RFC 7748, section 6.1',
      run({ x25519 }) {
        const alice = x25519.keyPairFromPrivateKey(hex(ALICE));
        const bob = x25519.keyPairFromPrivateKey(hex(BOB));
        expectBytes(alice.publicKey, ALICE_PUBLIC, "Alice's public key");
        expectBytes(bob.publicKey, BOB_PUBLIC, "Bob's public key");
        expectBytes(x25519.ecdh(alice.privateKey, bob.publicKey), ALICE_AND_BOB, 'Alice');
        expectBytes(x25519.ecdh(bob.privateKey, alice.publicKey), ALICE_AND_BOB, 'Bob');
      },
    },
    {
      name: 'x25519.keyPairFromPrivateKey: every 32 bytes are a key, kept without clamping',
      run({ x25519 }) {
        const zero = x25519.keyPairFromPrivateKey(hex(ZERO));
        expectBytes(zero.privateKey, ZERO, 'private key');
        expectBytes(
          zero.publicKey,
          '2fe57da347cd62431528daac5fbb290730fff684afc4cfc2ed90995f58cb3b74',
          'public key',
        );
        const ones = x25519.keyPairFromPrivateKey(repeated(0xff, 32));
        expectBytes(ones.privateKey, repeated(0xff, 32), 'private key');
      },
    },
    {
      name: 'x25519.keyPairFromPrivateKey: the pair prints redacted',
      run({ x25519 }) {
        expectRedacted(x25519.keyPairFromPrivateKey(hex(ALICE)), ALICE);
      },
    },
    {
      name: 'x25519.generateKeyPair: pairs that fit together, another each time',
      run({ x25519 }) {
        const first = x25519.generateKeyPair();
        const second = x25519.generateKeyPair();
        const again = x25519.keyPairFromPrivateKey(first.privateKey);
        expectBytes(first.publicKey, again.publicKey, 'public key');
        expectThat(!sameBytes(first.privateKey, second.privateKey), 'two pairs have two private keys');
        expectRedacted(first, encodeHex(first.privateKey));
      },
    },
    {
      name: 'x25519.ecdh: the top bit of the public key is ignored',
      run({ x25519 }) {
        const topBitSet = hex(BOB_PUBLIC);
        topBitSet[31] = (topBitSet[31] as number) | 0x80;
        expectBytes(x25519.ecdh(hex(ALICE), topBitSet), ALICE_AND_BOB, 'shared u');
      },
    },
    {
      name: 'x25519.ecdh: a u not below the field prime is reduced',
      run({ x25519 }) {
        expectBytes(x25519.ecdh(hex(ALICE), hex(BASE_NOT_REDUCED)), ALICE_PUBLIC, 'shared u');
      },
    },
    {
      name: 'x25519.ecdh: zero bytes at either end of the shared u are kept',
      run({ x25519 }) {
        expectBytes(
          x25519.ecdh(hex(`0012${'00'.repeat(30)}`), hex(BASE)),
          '00eec4ced49fcae3ea8a9dae46ed06c32c16f56abb66d8a94f3fe678b27f573f',
          'a zero in front',
        );
        expectBytes(
          x25519.ecdh(hex(`00f1${'00'.repeat(30)}`), hex(BASE)),
          'cbda9103e6fb5a6cbf25e90fa307453fb1f5032b7644d84b56f5cb9d37f35a00',
          'a zero at the end',
        );
      },
    },
    ...smallOrderPoints().map(
      ({ why, bytes }): ProviderCase => ({
        name: `x25519.ecdh: refused for its small order: ${why}`,
        run({ x25519 }) {
          for (const privateKey of [hex(ALICE), hex(BOB), hex(ZERO)]) {
            expectRefusal(() => x25519.ecdh(privateKey, bytes), 'INVALID_PUBLIC_KEY', 'u');
          }
        },
      }),
    ),
    {
      name: 'x25519: keys of other lengths than 32 are refused',
      run({ x25519 }) {
        for (const length of [0, 1, 31, 33, 64]) {
          const key = repeated(9, length);
          const what = `key of ${length} bytes`;
          expectRefusal(() => x25519.keyPairFromPrivateKey(key), 'INVALID_LENGTH', what);
          expectRefusal(() => x25519.ecdh(key, hex(BASE)), 'INVALID_LENGTH', `private ${what}`);
          expectRefusal(() => x25519.ecdh(hex(ALICE), key), 'INVALID_LENGTH', `public ${what}`);
        }
      },
    },
  ];
}
