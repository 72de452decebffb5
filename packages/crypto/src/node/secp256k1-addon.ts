import { createRequire } from 'node:module';

/** The part of the addon of npm `secp256k1` that is used; it throws a plain Error for what it refuses. */
export interface Secp256k1Addon {
  contextRandomize(seed: Uint8Array): void;
  privateKeyVerify(privateKey: Uint8Array): boolean;
  publicKeyCreate(privateKey: Uint8Array, compressed: boolean, output: Uint8Array): Uint8Array;
  publicKeyConvert(publicKey: Uint8Array, compressed: boolean, output: Uint8Array): Uint8Array;
  /** Replaces s by the lower of s and order - s. */
  signatureNormalize(signature: Uint8Array): Uint8Array;
  ecdsaSign(
    digest: Uint8Array,
    privateKey: Uint8Array,
    options: object,
    output: Uint8Array,
  ): { readonly signature: Uint8Array; readonly recid: number };
  ecdsaRecover(
    signature: Uint8Array,
    recovery: number,
    digest: Uint8Array,
    compressed: boolean,
    output: Uint8Array,
  ): Uint8Array;
  ecdh(
    publicKey: Uint8Array,
    privateKey: Uint8Array,
    options: {
      hashfn(x: Uint8Array, y: Uint8Array): Uint8Array;
      readonly xbuf: Uint8Array;
      readonly ybuf: Uint8Array;
    },
    output: Uint8Array,
  ): Uint8Array;
}

/**
 * Loads the native bindings, or says why they can't be. Never the package's index: without a native
 * build, it silently falls back to a slow library in JavaScript that isn't constant-time.
 */
export function loadAddon(load?: () => unknown): Secp256k1Addon | { readonly problem: string } {
  try {
    if (load !== undefined) return load() as Secp256k1Addon;
    // In this `try`, so that bundlers go on without it. A CommonJS bundle has no `import.meta.url`, and runs without it, too.
    const require = createRequire(import.meta.url);
    return require('secp256k1/bindings') as Secp256k1Addon;
  } catch (error) {
    // The lines after the first contain local paths.
    const [problem = ''] = String(error instanceof Error ? error.message : error).split('\n');
    return { problem };
  }
}
