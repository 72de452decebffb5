import type { X25519Provider } from '@sotto/core';
import { encodeUtf8 as ascii, encodeHex, isSottoError } from '@sotto/core';
import { expectBytes, expectRefusal, expectThat, hex, sameBytes } from '../support/expectations.js';
import { repeated, withBitFlipped } from './bytes.js';
import { expectRedacted } from './expect-redacted.js';
import {
  G_X,
  G_Y,
  HALF_ORDER,
  HALF_ORDER_PLUS_1,
  invalidPublicKeys,
  invalidScalars,
  ONE,
  ORDER,
  ORDER_MINUS_1,
  X_OF_NO_POINT,
  X_OF_Y_1,
  Y_OF_X_1,
  ZERO,
} from './hostile-inputs.js';
import type { ProviderCase } from './provider-case.js';

const KEY = 'f8b8af8ce3c7cca5e300d33939540c10d45ce001b8f252bfbc57ba0342904181';
const WRONG_LENGTHS = [0, 1, 31, 33, 64];

/** Small multiples of the generator, and the generator negated: private key, x, y. */
const KNOWN_KEYS = [
  [ONE, G_X, G_Y],
  [
    `${'00'.repeat(31)}02`,
    'c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5',
    '1ae168fea63dc339a3c58419466ceaeef7f632653266d0e1236431a950cfe52a',
  ],
  [
    `${'00'.repeat(31)}03`,
    'f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9',
    '388f7b0f632de8140fe337e62a37f3566500a99934c2231b6cb9fd7584b8e672',
  ],
  [ORDER_MINUS_1, G_X, 'b7c52588d95c3b9aa25b0403f1eef75702e84bb7597aabe663b82f6f04ef2777'],
] as const;

/** The RFC 6979 signatures for this curve that implementations have shared since 2013; v added. */
const KNOWN_SIGNATURES = [
  {
    privateKey: ONE,
    text: 'Satoshi Nakamoto',
    r: '934b1ea10a4b3c1757e2b0c017d0b6143ce3c9a7e6a4a49860d7a6ab210ee3d8',
    s: '2442ce9d2b916064108014783e923ec36b49743e2ffa1c4496f01a512aafd9e5',
    v: '01',
  },
  {
    privateKey: ONE,
    text: 'All those moments will be lost in time, like tears in rain. Time to die...',
    r: '8600dbd41e348fe5c9465ab92d23e3db8b98b873beecd930736488696438cb6b',
    s: '547fe64427496db33bf66019dacbf0039c04199abb0122918601db38a72cfc21',
    v: '00',
  },
  {
    privateKey: ORDER_MINUS_1,
    text: 'Satoshi Nakamoto',
    r: 'fd567d121db66e382991534ada77a6bd3106f0a1098c231e47993447cd6af2d0',
    s: '6b39cd0eb1bc8603e159ef5c20a5c8ad685a45b06ce9bebed3f153d10d93bed5',
    v: '00',
  },
  {
    privateKey: KEY,
    text: 'Alan Turing',
    r: '7063ae83e7f62bbb171798131b4a0564b956930092b33b07b395615d9ec7e15c',
    s: '58dfcc1e00a35e1572f366ffe34ba0fc47db1e7189759b9fb233c5b05ab388ea',
    v: '00',
  },
] as const;

/** From go-ethereum's tests of its signatures. */
const RECOVERY = {
  digest: 'ce0677bb30baa8cf067c88db9811f4333d131bf8bcf12fe7065d211dce971008',
  rs: `90f27b8b488db00b00606796d2987f6a5f59ae62ea05effe84fef5b8b0e54998
       4a691139ad57a3f0b906637673aa2f63d1f55cb1a69199d4009eea23ceaddc93`,
  publicKey: '02e32df42865e97135acfb65f3bae71bdc86f4d49150ad6a440b6f15878109880a',
} as const;

export function secp256k1Cases(): readonly ProviderCase[] {
  return [
    {
      name: 'secp256k1.keyPairFromPrivateKey: the public keys of 1, 2, 3 and order - 1',
      run({ secp256k1 }) {
        for (const [privateKey, x, y] of KNOWN_KEYS) {
          const pair = secp256k1.keyPairFromPrivateKey(hex(privateKey));
          const prefix = (hex(y)[31] as number) & 1 ? '03' : '02';
          expectBytes(pair.publicKey, prefix + x, 'public key');
          expectBytes(pair.privateKey, privateKey, 'private key');
        }
      },
    },
    {
      name: 'secp256k1.keyPairFromPrivateKey: the pair prints redacted',
      run({ secp256k1 }) {
        expectRedacted(secp256k1.keyPairFromPrivateKey(hex(KEY)), KEY);
      },
    },
    {
      name: 'secp256k1.generateKeyPair: pairs that fit together, another each time',
      run({ secp256k1 }) {
        const first = secp256k1.generateKeyPair();
        const second = secp256k1.generateKeyPair();
        const again = secp256k1.keyPairFromPrivateKey(first.privateKey);
        expectBytes(first.publicKey, again.publicKey, 'public key');
        expectThat(!sameBytes(first.privateKey, second.privateKey), 'two pairs have two private keys');
        expectRedacted(first, encodeHex(first.privateKey));
      },
    },
    {
      name: 'secp256k1: scalars outside 1 .. order - 1 are refused as private keys',
      run({ secp256k1 }) {
        for (const { why, bytes } of invalidScalars()) {
          const what = `private key ${why}`;
          expectRefusal(() => secp256k1.keyPairFromPrivateKey(bytes), 'INVALID_PRIVATE_KEY', what);
          expectRefusal(() => secp256k1.ecdh(bytes, generator()), 'INVALID_PRIVATE_KEY', what);
          expectRefusal(() => secp256k1.signRecoverable(repeated(1, 32), bytes), 'INVALID_PRIVATE_KEY', what);
        }
      },
    },
    {
      name: 'secp256k1: private keys of other lengths than 32 are refused, and not shown',
      run({ secp256k1 }) {
        for (const length of WRONG_LENGTHS) {
          const bytes = repeated(0xa7, length);
          const what = `private key of ${length} bytes`;
          for (const error of [
            expectRefusal(() => secp256k1.keyPairFromPrivateKey(bytes), 'INVALID_LENGTH', what),
            expectRefusal(() => secp256k1.ecdh(bytes, generator()), 'INVALID_LENGTH', what),
            expectRefusal(() => secp256k1.signRecoverable(repeated(1, 32), bytes), 'INVALID_LENGTH', what),
          ]) {
            const shown = `${error.message} ${JSON.stringify(error)}`;
            expectThat(!/a7a7|167,\s*167/i.test(shown), 'an error does not show the private key');
          }
        }
      },
    },
    {
      name: 'secp256k1.parsePublicKey: both forms give the compressed one',
      run({ secp256k1 }) {
        for (const [, x, y] of KNOWN_KEYS) {
          const compressed = ((hex(y)[31] as number) & 1 ? '03' : '02') + x;
          expectBytes(secp256k1.parsePublicKey(hex(compressed)), compressed, 'from 33 bytes');
          expectBytes(secp256k1.parsePublicKey(hex(`04${x}${y}`)), compressed, 'from 65 bytes');
        }
        expectBytes(secp256k1.parsePublicKey(hex(`04${X_OF_Y_1}${ONE}`)), `03${X_OF_Y_1}`, 'y = 1');
        expectBytes(secp256k1.parsePublicKey(hex(`02${ONE}`)), `02${ONE}`, 'x = 1');
      },
    },
    {
      name: 'secp256k1.uncompressPublicKey: both forms give the uncompressed one',
      run({ secp256k1 }) {
        for (const [, x, y] of KNOWN_KEYS) {
          const compressed = ((hex(y)[31] as number) & 1 ? '03' : '02') + x;
          expectBytes(secp256k1.uncompressPublicKey(hex(compressed)), `04${x}${y}`, 'from 33 bytes');
          expectBytes(secp256k1.uncompressPublicKey(hex(`04${x}${y}`)), `04${x}${y}`, 'from 65 bytes');
        }
        expectBytes(secp256k1.uncompressPublicKey(hex(`02${ONE}`)), `04${ONE}${Y_OF_X_1}`, 'x = 1');
      },
    },
    ...invalidPublicKeys().map(
      ({ why, bytes }): ProviderCase => ({
        name: `secp256k1: refused as a public key: ${why}`,
        run({ secp256k1 }) {
          expectRefusal(() => secp256k1.parsePublicKey(bytes), 'INVALID_PUBLIC_KEY', 'parsePublicKey');
          expectRefusal(
            () => secp256k1.uncompressPublicKey(bytes),
            'INVALID_PUBLIC_KEY',
            'uncompressPublicKey',
          );
          expectRefusal(() => secp256k1.ecdh(hex(KEY), bytes), 'INVALID_PUBLIC_KEY', 'ecdh');
        },
      }),
    ),
    {
      name: 'secp256k1.ecdh: a known answer of project Wycheproof, public key in both forms',
      run({ secp256k1 }) {
        const privateKey = hex('f4b7ff7cccc98813a69fae3df222bfe3f4e28f764bf91b4a10d8096ce446b254');
        const publicKey = hex(
          `04d8096af8a11e0b80037e1ee68246b5dcbb0aeb1cf1244fd767db80f3fa27da2b
             396812ea1686e7472e9692eaf3e958e50e9500d3b4c77243db1f2acd67ba9cc4`,
        );
        const shared = '544dfae22af6af939042b1d85b71a1e49e9a5614123c4d6ad0c8af65baf87d65';
        expectBytes(secp256k1.ecdh(privateKey, publicKey), shared, 'uncompressed');
        const compressed = secp256k1.parsePublicKey(publicKey);
        expectBytes(secp256k1.ecdh(privateKey, compressed), shared, 'compressed');
      },
    },
    {
      name: 'secp256k1.ecdh: an x coordinate with eleven leading zero bytes keeps all 32',
      run({ secp256k1 }) {
        // Half the generator.
        expectBytes(
          secp256k1.ecdh(hex(HALF_ORDER_PLUS_1), generator()),
          '00000000000000000000003b78ce563f89a0ed9414f5aa28ad0d96d6795f9c63',
          'shared x',
        );
      },
    },
    {
      name: 'secp256k1.ecdh: both sides agree, and a point gives what its negative gives',
      run({ secp256k1 }) {
        const a = secp256k1.generateKeyPair();
        const b = secp256k1.generateKeyPair();
        const shared = secp256k1.ecdh(a.privateKey, b.publicKey);
        expectBytes(secp256k1.ecdh(b.privateKey, a.publicKey), shared, 'the other side');
        const negative = withBitFlipped(b.publicKey, 0);
        expectBytes(secp256k1.ecdh(a.privateKey, negative), shared, 'the negative of the point');
      },
    },
    {
      name: 'secp256k1.ecdh: the private key is checked before the public key, lengths before values',
      run({ secp256k1 }) {
        const nonsense = hex('00');
        expectRefusal(() => secp256k1.ecdh(repeated(1, 31), nonsense), 'INVALID_LENGTH', 'length first');
        expectRefusal(() => secp256k1.ecdh(hex(ZERO), nonsense), 'INVALID_PRIVATE_KEY', 'then the scalar');
        expectRefusal(
          () => secp256k1.signRecoverable(repeated(1, 31), hex(ZERO)),
          'INVALID_LENGTH',
          'signRecoverable',
        );
      },
    },
    {
      name: 'secp256k1.signRecoverable: RFC 6979, known answers, and their signers recovered',
      run(provider) {
        const { secp256k1 } = provider;
        for (const { privateKey, text, r, s, v } of KNOWN_SIGNATURES) {
          const digest = provider.sha256(ascii(text));
          const signature = secp256k1.signRecoverable(digest, hex(privateKey));
          expectBytes(signature, r + s + v, `signature of "${text}"`);
          const { publicKey } = secp256k1.keyPairFromPrivateKey(hex(privateKey));
          expectBytes(secp256k1.recoverPublicKey(digest, signature), publicKey, 'signer');
        }
      },
    },
    {
      name: 'secp256k1.signRecoverable: low s, v of 0 or 1, for many digests',
      run(provider) {
        const { secp256k1 } = provider;
        const { privateKey, publicKey } = secp256k1.keyPairFromPrivateKey(hex(KEY));
        const seen = new Set<number>();
        for (let i = 0; i < 24; i++) {
          const digest = provider.sha256(Uint8Array.of(i));
          const signature = secp256k1.signRecoverable(digest, privateKey);
          expectThat(signature.length === 65, 'a signature has 65 bytes');
          expectThat(encodeHex(signature.subarray(32, 64)) <= HALF_ORDER, 's is low');
          seen.add(signature[64] as number);
          expectBytes(secp256k1.recoverPublicKey(digest, signature), publicKey, 'signer');
        }
        expectThat([...seen].sort().join() === '0,1', 'v is 0 or 1, and both occur');
      },
    },
    {
      name: 'secp256k1.signRecoverable: digests of zero, of the order and of all ones',
      run({ secp256k1 }) {
        const { privateKey, publicKey } = secp256k1.keyPairFromPrivateKey(hex(KEY));
        for (const digest of [hex(ZERO), hex(ORDER), repeated(0xff, 32)]) {
          const signature = secp256k1.signRecoverable(digest, privateKey);
          expectBytes(secp256k1.recoverPublicKey(digest, signature), publicKey, 'signer');
        }
        expectBytes(
          secp256k1.signRecoverable(hex(ORDER), privateKey),
          secp256k1.signRecoverable(hex(ZERO), privateKey),
          'the order is zero modulo the order',
        );
      },
    },
    {
      name: 'secp256k1: digests of other lengths than 32 are refused',
      run({ secp256k1 }) {
        for (const length of WRONG_LENGTHS) {
          const digest = repeated(1, length);
          const what = `digest of ${length} bytes`;
          expectRefusal(() => secp256k1.signRecoverable(digest, hex(KEY)), 'INVALID_LENGTH', what);
          expectRefusal(
            () => secp256k1.recoverPublicKey(digest, knownSignature('01')),
            'INVALID_LENGTH',
            what,
          );
        }
      },
    },
    {
      name: "secp256k1.recoverPublicKey: go-ethereum's known answer, v of 1 or 28",
      run({ secp256k1 }) {
        for (const v of ['01', '1c']) {
          const key = secp256k1.recoverPublicKey(hex(RECOVERY.digest), knownSignature(v));
          expectBytes(key, RECOVERY.publicKey, `v ${v}`);
        }
      },
    },
    {
      name: 'secp256k1.recoverPublicKey: v of 27 is v of 0, and gives another key than v of 1',
      run({ secp256k1 }) {
        const zero = secp256k1.recoverPublicKey(hex(RECOVERY.digest), knownSignature('00'));
        const key27 = secp256k1.recoverPublicKey(hex(RECOVERY.digest), knownSignature('1b'));
        expectBytes(key27, zero, 'v 27');
        expectThat(!sameBytes(zero, hex(RECOVERY.publicKey)), 'the other v gives another key');
      },
    },
    {
      name: 'secp256k1.recoverPublicKey: every other v is refused',
      run({ secp256k1 }) {
        for (let v = 2; v < 256; v++) {
          if (v === 27 || v === 28) continue;
          const signature = knownSignature(encodeHex(Uint8Array.of(v)));
          expectInvalidSignature({ secp256k1 }, signature, `v ${v}`);
        }
      },
    },
    {
      name: 'secp256k1.recoverPublicKey: a high s is refused, though it recovers the same key',
      run({ secp256k1 }) {
        const s = BigInt(`0x${encodeHex(knownSignature('00').subarray(32, 64))}`);
        const high = (BigInt(`0x${ORDER}`) - s).toString(16).padStart(64, '0');
        const r = encodeHex(knownSignature('00').subarray(0, 32));
        for (const v of ['00', '01', '1b', '1c']) {
          expectInvalidSignature({ secp256k1 }, hex(r + high + v), `high s, v ${v}`);
        }
      },
    },
    {
      name: 'secp256k1.recoverPublicKey: s up to half the order, and not one more',
      run({ secp256k1 }) {
        const key = secp256k1.recoverPublicKey(hex(RECOVERY.digest), hex(`${G_X}${HALF_ORDER}00`));
        expectThat(key.length === 33, 'half the order is a low s');
        expectInvalidSignature({ secp256k1 }, hex(`${G_X}${HALF_ORDER_PLUS_1}00`), 'one more');
        expectInvalidSignature({ secp256k1 }, hex(`${G_X}${ORDER_MINUS_1}00`), 'the highest s');
      },
    },
    {
      name: 'secp256k1.recoverPublicKey: r and s outside 1 .. order - 1 are refused',
      run({ secp256k1 }) {
        for (const { why, bytes } of invalidScalars()) {
          const scalar = encodeHex(bytes);
          expectInvalidSignature({ secp256k1 }, hex(`${scalar}${ONE}00`), `r ${why}`);
          expectInvalidSignature({ secp256k1 }, hex(`${G_X}${scalar}00`), `s ${why}`);
        }
      },
    },
    {
      name: 'secp256k1.recoverPublicKey: an r that is the x of no point is refused',
      run({ secp256k1 }) {
        expectInvalidSignature({ secp256k1 }, hex(`${X_OF_NO_POINT}${ONE}00`), 'r');
      },
    },
    {
      name: 'secp256k1.recoverPublicKey: a signature whose key would be the point at infinity is refused',
      run({ secp256k1 }) {
        // The nonce's point is the generator and s the digest, so that s R - digest G = 0.
        expectRefusal(
          () => secp256k1.recoverPublicKey(hex(ONE), hex(`${G_X}${ONE}00`)),
          'INVALID_SIGNATURE',
          'signature',
        );
      },
    },
    {
      name: 'secp256k1.recoverPublicKey: signatures of other lengths than 65 are refused',
      run({ secp256k1 }) {
        for (const length of [0, 63, 64, 66, 72]) {
          expectRefusal(
            () => secp256k1.recoverPublicKey(hex(RECOVERY.digest), repeated(1, length)),
            'INVALID_LENGTH',
            `signature of ${length} bytes`,
          );
        }
      },
    },
    {
      name: 'secp256k1.recoverPublicKey: altered bits of digest, r and s never give the signer',
      run({ secp256k1 }) {
        const digest = hex(RECOVERY.digest);
        const signature = knownSignature('01');
        const signer = hex(RECOVERY.publicKey);
        for (let bit = 0; bit < 256; bit += 37) {
          const other = secp256k1.recoverPublicKey(withBitFlipped(digest, bit), signature);
          expectThat(!sameBytes(other, signer), `bit ${bit} of the digest counts`);
        }
        for (let bit = 0; bit < 512; bit += 37) {
          expectThat(
            !recovers({ secp256k1 }, digest, withBitFlipped(signature, bit), signer),
            `bit ${bit} of r || s counts`,
          );
        }
      },
    },
    {
      name: 'secp256k1.recoverPublicKey: whoever is expected, the signer is recovered',
      run(provider) {
        const { secp256k1 } = provider;
        const { privateKey, publicKey } = secp256k1.keyPairFromPrivateKey(hex(KEY));
        const digests = Array.from({ length: OFTEN }, (_, i) => provider.sha256(Uint8Array.of(i)));
        const expected = Uint8Array.from(publicKey);
        for (const digest of digests) {
          const signature = secp256k1.signRecoverable(digest, privateKey);
          const signer = secp256k1.recoverPublicKey(digest, signature, expected);
          expectBytes(signer, publicKey, 'the one expected');
          signer.fill(0);
          expectBytes(expected, publicKey, 'bytes of the one expected, afterwards');
        }
        const digest = digests[0] as Uint8Array;
        const signature = secp256k1.signRecoverable(digest, privateKey);
        const changed = [
          ['v', digest, withBitFlipped(signature, 8 * 64 + 7)],
          ['v', digest, withBitFlipped(signature, 8 * 64)],
          ['digest', withBitFlipped(digest, 0), signature],
          ['s', digest, withBitFlipped(signature, 511)],
          ['r', digest, withBitFlipped(signature, 100)],
          ['signer', digest, secp256k1.signRecoverable(digest, hex(ONE))],
          ['nothing', digest, signature],
        ] as const;
        for (const [what, hash, signed] of changed) {
          const unexpected = outcomeOf(() => secp256k1.recoverPublicKey(hash, signed));
          const odd = [generator(), publicKey.subarray(1), secp256k1.uncompressPublicKey(publicKey)];
          for (const one of [publicKey, hex(`02${X_OF_NO_POINT}`), new Uint8Array(), ...odd]) {
            const outcome = outcomeOf(() => secp256k1.recoverPublicKey(hash, signed, one));
            expectThat(outcome === unexpected, `another ${what}: ${outcome} as if none were expected`);
          }
        }
      },
    },
    {
      name: 'secp256k1.recoverPublicKey: a high s is refused, however often the signer was met',
      run({ secp256k1 }) {
        const digest = hex(RECOVERY.digest);
        const signer = hex(RECOVERY.publicKey);
        for (let i = 0; i < OFTEN; i++) secp256k1.recoverPublicKey(digest, knownSignature('01'), signer);
        const signature = knownSignature('00');
        const s = BigInt(`0x${encodeHex(signature.subarray(32, 64))}`);
        signature.set(hex((BigInt(`0x${ORDER}`) - s).toString(16).padStart(64, '0')), 32);
        expectRefusal(
          () => secp256k1.recoverPublicKey(digest, signature, signer),
          'INVALID_SIGNATURE',
          'high s of a signer met often',
        );
      },
    },
  ];
}

/** Signatures after which a provider that keeps something for a frequent signer does. */
const OFTEN = 40;

/** The key recovered, or the code of the error. */
function outcomeOf(recover: () => Uint8Array): string {
  try {
    return encodeHex(recover());
  } catch (error) {
    if (!isSottoError(error)) throw error;
    return error.code;
  }
}

type Curve = Pick<X25519Provider, 'secp256k1'>;

function generator(): Uint8Array {
  return hex(`02${G_X}`);
}

function knownSignature(v: string): Uint8Array {
  return hex(RECOVERY.rs + v);
}

function expectInvalidSignature({ secp256k1 }: Curve, signature: Uint8Array, what: string): void {
  expectRefusal(() => secp256k1.recoverPublicKey(hex(RECOVERY.digest), signature), 'INVALID_SIGNATURE', what);
}

function recovers({ secp256k1 }: Curve, digest: Uint8Array, signature: Uint8Array, key: Uint8Array): boolean {
  try {
    return sameBytes(secp256k1.recoverPublicKey(digest, signature), key);
  } catch {
    return false;
  }
}
