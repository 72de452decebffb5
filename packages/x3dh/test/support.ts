import { type CryptoProvider, createPortableProvider } from '@sotto/crypto';
import type { SignedPreKey } from '@sotto/protocol-codec';
import { unhex } from '@sotto/testing/vectors';
import type { VerifiedBundle } from '../src/index.js';
import { bundleTimestamp, signBundle } from '../src/index.js';

export const crypto = createPortableProvider();

export const pairOf = (privateKey: string) => crypto.secp256k1.keyPairFromPrivateKey(unhex(privateKey));

/** A provider whose randomness is what is listed, each once. */
export function drawing(...hex: readonly string[]): CryptoProvider {
  const left = hex.map(unhex);
  return createPortableProvider({
    random: (length) => {
      const next = left.shift();
      if (next?.length !== length) throw new Error('another draw than the vector lists');
      return next;
    },
  });
}

export const NOW = Date.parse('2026-11-23T12:00:00Z');

/** A device as it stands in a bundle. */
export function device(version = 1, signedPreKey: Uint8Array = crypto.secp256k1.generateKeyPair().publicKey) {
  return { signedPreKey, version, protocolVersion: 1 };
}

export const identity = crypto.secp256k1.generateKeyPair();

export function bundleOf(devices: Record<string, SignedPreKey>, milliseconds: number = NOW): VerifiedBundle {
  return signBundle(crypto, identity, {
    signedPreKeys: new Map(Object.entries(devices)),
    timestamp: bundleTimestamp(milliseconds),
  });
}

export function thrownBy(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

export function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof Error && 'code' in error) return String(error.code);
    throw error;
  }
  return 'no error';
}
