import type { CryptoProvider, RandomSource, Secp256k1, X25519 } from '@sotto/core';
import { createSecp256k1 } from '../libsecp256k1.js';
import { keccak256 as nobleKeccak256 } from '../portable/hash.js';
import { createSecp256k1 as createNobleSecp256k1 } from '../portable/secp256k1.js';
import { createX25519 as createNobleX25519 } from '../portable/x25519.js';
import { loadOptionalKeccak256, loadOptionalWebAssembly } from './optional-packages.js';
import { nativeLibSecp256k1 } from './secp256k1.js';
import type { loadAddon } from './secp256k1-addon.js';
import { createX25519 } from './x25519.js';

/** An implementation, and the library behind it, with the reason when it isn't the fastest. */
export interface Choice<T> {
  readonly part: T;
  readonly library: string;
}

/** @param addon what {@link loadAddon} returned, or `undefined` when it isn't wanted */
export function chooseSecp256k1(
  randomBytes: RandomSource,
  addon: ReturnType<typeof loadAddon> | undefined,
): Choice<Secp256k1> {
  const part = createNobleSecp256k1(randomBytes);
  if (addon === undefined) return { part, library: '@noble/curves: as asked' };
  if ('problem' in addon) {
    return { part, library: `@noble/curves: npm secp256k1 could not be loaded: ${addon.problem}` };
  }
  return {
    part: createSecp256k1(nativeLibSecp256k1(addon), randomBytes, part),
    library: 'libsecp256k1, native, of npm secp256k1',
  };
}

/**
 * libsecp256k1 in WebAssembly, else @noble/curves.
 * @param problem why there is no native one
 */
export async function loadSecp256k1(
  randomBytes: RandomSource,
  problem: string,
  load: typeof loadOptionalWebAssembly = loadOptionalWebAssembly,
): Promise<Choice<Secp256k1>> {
  try {
    const { secp256k1: part, parts } = await load({ random: randomBytes });
    return { part, library: `${parts?.['secp256k1']}; native: ${problem}` };
  } catch {
    return chooseSecp256k1(randomBytes, { problem });
  }
}

/** OpenSSL may be built without X25519, and what replaces it in other runtimes may not import keys. */
export function chooseX25519(
  randomBytes: RandomSource,
  native: X25519 = createX25519(randomBytes),
): Choice<X25519> {
  try {
    const { privateKey, publicKey } = native.keyPairFromPrivateKey(new Uint8Array(32).fill(1));
    native.ecdh(privateKey, publicKey);
    return { part: native, library: 'node:crypto' };
  } catch {
    return { part: createNobleX25519(randomBytes), library: '@noble/curves: node:crypto has no X25519 here' };
  }
}

type Keccak256 = CryptoProvider['keccak256'];

/** A choice that may be replaced once. */
export interface LoadingChoice<T> extends Choice<T> {
  /** Resolves when no replacement is pending any more. */
  readonly loaded: Promise<void>;
}

/**
 * @noble/hashes first, and hash-wasm as soon as its WebAssembly has loaded; both return the same bytes. node:crypto only has
 * SHA3, which pads differently.
 */
export function chooseKeccak256(load: () => Promise<Keccak256> = loadKeccak256): LoadingChoice<Keccak256> {
  let part = nobleKeccak256;
  let library = '@noble/hashes: npm hash-wasm is being loaded';
  const loaded = load().then(
    (fast) => {
      part = fast;
      library = 'hash-wasm, WebAssembly';
    },
    () => {
      library = '@noble/hashes: npm hash-wasm could not be loaded';
    },
  );
  return {
    part: (...parts) => part(...parts),
    get library() {
      return library;
    },
    loaded,
  };
}

let keccak256: Promise<Keccak256> | undefined;

/** Once for all providers. */
function loadKeccak256(): Promise<Keccak256> {
  keccak256 ??= loadOptionalKeccak256();
  return keccak256;
}
