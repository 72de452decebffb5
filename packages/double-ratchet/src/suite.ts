import type { CryptoProvider, X25519Provider } from '@sotto/crypto';

/** Names of the Diffie-Hellman groups that a ratchet can use. */
export type SuiteName = 'secp256k1' | 'curve25519';

/** A ratchet key pair of a suite. */
export interface RatchetKeyPair {
  /** 33 bytes (secp256k1, compressed SEC1) or 32 bytes (curve25519). */
  readonly publicKey: Uint8Array;
  /** 32 bytes. */
  readonly privateKey: Uint8Array;
}

/** A Diffie-Hellman group together with the primitives that the ratchet needs. */
export interface RatchetSuite {
  /** Stored in states, so that they aren't used with another suite. */
  readonly name: SuiteName;
  /** Bytes of a ratchet public key. */
  readonly publicKeyLength: number;
  /** Provides the hashes and ciphers. */
  readonly crypto: CryptoProvider;
  /** A new pair, for one step of the DH ratchet. */
  generateKeyPair(): RatchetKeyPair;
  /**
   * The shared secret of the two keys, 32 bytes.
   * @throws INVALID_PUBLIC_KEY
   */
  dh(privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array;
}

/**
 * The suite of deployed peers: ratchet keys on secp256k1, since a signed prekey is also the responder's first
 * ratchet key. Wire profile, section 4.
 */
export function secp256k1Suite(crypto: CryptoProvider): RatchetSuite {
  return {
    name: 'secp256k1',
    publicKeyLength: 33,
    crypto,
    generateKeyPair: () => crypto.secp256k1.generateKeyPair(),
    dh: (privateKey, publicKey) => crypto.secp256k1.ecdh(privateKey, publicKey),
  };
}

/** The suite that the specification names: X25519. For protocols that obtain the first ratchet key elsewhere. */
export function curve25519Suite(crypto: X25519Provider): RatchetSuite {
  return {
    name: 'curve25519',
    publicKeyLength: 32,
    crypto,
    generateKeyPair: () => crypto.x25519.generateKeyPair(),
    dh: (privateKey, publicKey) => crypto.x25519.ecdh(privateKey, publicKey),
  };
}
