import { randomFillSync, timingSafeEqual } from 'node:crypto';
import { parseBytes, type RandomSource, type Secp256k1, type X25519Provider } from '@sotto/core';
import { guardRandom } from '../portable/random.js';
import { aesCtr, openAes256Gcm, sealAes256Gcm } from './aes.js';
import {
  type Choice,
  chooseKeccak256,
  chooseSecp256k1,
  chooseX25519,
  loadSecp256k1,
} from './choose-library.js';
import { hmacSha256, sha256 } from './hash.js';
import { hkdfSha256, pbkdf2Sha256 } from './key-derivation.js';
import { loadAddon } from './secp256k1-addon.js';

/** Options of {@link createAcceleratedProvider}. */
export interface AcceleratedProviderOptions {
  /**
   * Where all randomness (keys, nonces) comes from. Default: Node's secure source. Only tests have a
   * reason to pass another.
   */
  readonly random?: RandomSource | undefined;
  /**
   * `auto`, the default: libsecp256k1 when npm `secp256k1` is installed and has a native build for this machine,
   * else @noble/curves. `noble`: @noble/curves in any case.
   */
  readonly secp256k1?: 'auto' | 'noble' | undefined;
}

/**
 * The provider for Node: node:crypto (OpenSSL), libsecp256k1 where npm `secp256k1` and its native build are
 * installed, KECCAK-256 of npm `hash-wasm` where that is installed, and @noble for the rest; `parts` says which. It returns the
 * same bytes and throws the same errors as the portable one.
 *
 * WebAssembly loads in the background; until it is there, @noble hashes.
 */
export function createAcceleratedProvider(options: AcceleratedProviderOptions = {}): X25519Provider {
  const randomBytes = randomOf(options);
  return assemble(
    randomBytes,
    chooseSecp256k1(randomBytes, options.secp256k1 === 'noble' ? undefined : loadAddon()),
    chooseKeccak256(),
  );
}

/**
 * The same, but it waits for WebAssembly; and where the native libsecp256k1 is unavailable, it loads the one in WebAssembly (npm
 * `@bitauth/libauth`), several times as fast as @noble/curves. Await it when the program starts.
 */
export async function loadAcceleratedProvider(
  options: AcceleratedProviderOptions = {},
): Promise<X25519Provider> {
  const randomBytes = randomOf(options);
  const keccak256 = chooseKeccak256();
  const addon = options.secp256k1 === 'noble' ? undefined : loadAddon();
  const secp256k1 =
    addon !== undefined && 'problem' in addon
      ? await loadSecp256k1(randomBytes, addon.problem)
      : chooseSecp256k1(randomBytes, addon);
  await keccak256.loaded;
  return assemble(randomBytes, secp256k1, keccak256);
}

function randomOf({ random }: AcceleratedProviderOptions): RandomSource {
  return guardRandom(random ?? ((length) => randomFillSync(new Uint8Array(length))));
}

function assemble(
  randomBytes: RandomSource,
  secp256k1: Choice<Secp256k1>,
  keccak256: Choice<X25519Provider['keccak256']>,
): X25519Provider {
  const x25519 = chooseX25519(randomBytes);
  return {
    name: 'accelerated',
    parts: {
      secp256k1: secp256k1.library,
      x25519: x25519.library,
      get keccak256() {
        return keccak256.library;
      },
      others: 'node:crypto',
    },
    randomBytes,
    secp256k1: secp256k1.part,
    x25519: x25519.part,
    keccak256: keccak256.part,
    sha256,
    hmacSha256,
    hkdfSha256,
    pbkdf2Sha256,
    aesCtr,
    sealAes256Gcm,
    openAes256Gcm,
    equalBytes: (a, b) => parseBytes(a, 'a').length === parseBytes(b, 'b').length && timingSafeEqual(a, b),
  };
}
