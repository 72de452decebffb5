import fc from 'fast-check';
import type {
  Bundle,
  DirectMessage,
  HybridHeader,
  HybridPreKey,
  ProtocolMessage,
  SignedPreKey,
} from '../src/index.js';

/** Installation ids with everything that is awkward: numbers, prototypes, surrogate pairs, byte order marks. */
const installationId: fc.Arbitrary<string> = fc
  .oneof(
    { weight: 4, arbitrary: fc.string({ unit: 'binary', maxLength: 60 }) },
    fc.constantFrom(
      'none',
      '',
      '__proto__',
      'constructor',
      'toString',
      '9',
      '10',
      '\ufeffa',
      'a',
      '\uffff',
      '😀',
    ),
  )
  .filter((text) => !/\p{Surrogate}/u.test(text));

const uint32 = fc.oneof(fc.nat(5), fc.constant(0xffff_ffff), fc.integer({ min: 0, max: 0xffff_ffff }));
const keyBytes = fc.uint8Array({ maxLength: 128 });

const kemBytes = fc.uint8Array({ minLength: 1, maxLength: 200 });

const hybrid: fc.Arbitrary<HybridPreKey> = fc.record(
  { suites: keyBytes, curve25519PreKey: keyBytes, kemPreKeyHash: keyBytes, kemPreKey: kemBytes },
  { requiredKeys: ['suites', 'curve25519PreKey', 'kemPreKeyHash'] },
);

const signedPreKey: fc.Arbitrary<SignedPreKey> = fc.record(
  { signedPreKey: keyBytes, version: uint32, protocolVersion: uint32, hybrid },
  { requiredKeys: ['signedPreKey', 'version', 'protocolVersion'] },
);

function mapOf<V>(value: fc.Arbitrary<V>): fc.Arbitrary<ReadonlyMap<string, V>> {
  return fc
    .uniqueArray(fc.tuple(installationId, value), { maxLength: 6, selector: ([id]) => id })
    .map((entries) => new Map(entries));
}

export const bundle: fc.Arbitrary<Bundle> = fc.record({
  identity: keyBytes,
  signedPreKeys: mapOf(signedPreKey),
  signature: keyBytes,
  timestamp: fc.oneof(fc.constant(0n), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
});

const payload = fc.uint8Array({ maxLength: 200 });

const hybridHeader: fc.Arbitrary<HybridHeader> = fc.record(
  {
    handshake: fc.record({
      suite: uint32,
      key: keyBytes,
      curve25519Key: keyBytes,
      kemCiphertext: kemBytes,
      id: keyBytes,
      deviceDigest: keyBytes,
    }),
    knownVersion: uint32,
  },
  { requiredKeys: ['knownVersion'] },
);

const directMessage: fc.Arbitrary<DirectMessage> = fc.record(
  {
    x3dhHeader: fc.record({ key: keyBytes, id: keyBytes }),
    drHeader: fc.record({ key: keyBytes, n: uint32, pn: uint32, id: keyBytes }),
    dhHeader: fc.record({ key: keyBytes }),
    hybridHeader,
    payload,
  },
  { requiredKeys: ['payload'] },
);

export const protocolMessage: fc.Arbitrary<ProtocolMessage> = fc.record({
  installationId,
  bundles: fc.array(bundle, { maxLength: 3 }),
  directMessages: mapOf(directMessage),
  publicMessage: fc.option(fc.uint8Array({ minLength: 1, maxLength: 200 }), { nil: undefined }),
});
