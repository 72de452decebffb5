import { equalBytes } from '@noble/ciphers/utils.js';
import { randomBytes as platformRandom } from '@noble/hashes/utils.js';
import { type CryptoProvider, parseBytes, type RandomSource, type X25519Provider } from '@sotto/core';
import { aesCtr, openAes256Gcm, sealAes256Gcm } from './portable/aes.js';
import { hmacSha256, keccak256, sha256 } from './portable/hash.js';
import { hkdfSha256, pbkdf2Sha256 } from './portable/key-derivation.js';
import { guardRandom } from './portable/random.js';
import { createSecp256k1 } from './portable/secp256k1.js';
import { createX25519 } from './portable/x25519.js';

/** Options of {@link createPortableProvider}. */
export interface PortableProviderOptions {
  /**
   * Where all randomness (keys, nonces) comes from. Default: the platform's secure source,
   * `crypto.getRandomValues`. Only tests have a reason to pass another.
   */
  readonly random?: RandomSource | undefined;
}

/**
 * The provider that runs wherever JavaScript does, on @noble/curves, @noble/hashes and @noble/ciphers. Its
 * only state is its random source.
 */
export function createPortableProvider(options: PortableProviderOptions = {}): X25519Provider {
  const provider = createMinimalProvider(options);
  return { ...provider, x25519: createX25519(provider.randomBytes) };
}

/** The same without X25519, which a bundler can then omit: for applications where size matters. */
export function createMinimalProvider(options: PortableProviderOptions = {}): CryptoProvider {
  const randomBytes = guardRandom(options.random ?? platformRandom);
  return {
    name: 'portable',
    parts: { everything: '@noble, in JavaScript' },
    randomBytes,
    secp256k1: createSecp256k1(randomBytes),
    keccak256,
    sha256,
    hmacSha256,
    hkdfSha256,
    pbkdf2Sha256,
    aesCtr,
    sealAes256Gcm,
    openAes256Gcm,
    equalBytes: (a, b) => equalBytes(parseBytes(a, 'a'), parseBytes(b, 'b')),
  };
}
