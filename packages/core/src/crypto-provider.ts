import type { RandomSource } from './environment.js';
import type { KeyPair, PublicKey, Signature } from './keys.js';
import type { X25519KeyPair } from './x25519-key-pair.js';

/**
 * Every primitive that Sotto uses. Synchronous, so that a step of a protocol is one pure function call.
 *
 * - Bytes in are borrowed and never changed; bytes out are fresh, plain `Uint8Array`s that belong to the caller.
 * - Anything but a Uint8Array (of any realm) throws INVALID_ARGUMENT with the parameter's name.
 *   Wrong lengths throw INVALID_LENGTH, numbers out of range INVALID_ARGUMENT, before any work is done: first the
 *   shapes of all parameters, in their order, then their contents, again in that order. So all providers throw the same
 *   code for the same input.
 * - Operations on secrets are constant in time as far as the provider's underlying library is.
 *
 * `providerCases` of `@sotto/compliance/crypto-provider` tests whether an implementation fulfils all of this.
 */
export interface CryptoProvider {
  /** For people and reports, for example `portable`. */
  readonly name: string;
  /**
   * For each part, the library behind it and, where a faster one is missing, why. For people and reports, see
   * `describeProvider`.
   */
  readonly parts?: Readonly<Record<string, string>> | undefined;

  /**
   * Fresh random bytes, 0 to 65536 of them. Errors of the source itself are passed on.
   * @throws INVALID_ARGUMENT
   */
  readonly randomBytes: RandomSource;

  /** The curve of identities, prekeys and deployed ratchets. */
  readonly secp256k1: Secp256k1;

  /** KECCAK-256 (the original padding, not SHA3-256) of the concatenated parts, 32 bytes. */
  keccak256(...parts: readonly Uint8Array[]): Uint8Array;
  /** SHA-256 of the concatenated parts, 32 bytes. */
  sha256(...parts: readonly Uint8Array[]): Uint8Array;
  /** HMAC-SHA-256 over the concatenated parts, 32 bytes; the key may have any length. */
  hmacSha256(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array;
  /**
   * HKDF-SHA-256, RFC 5869: extract, then expand to `length` bytes (1 to 8160).
   * @throws INVALID_ARGUMENT
   */
  hkdfSha256(input: {
    readonly inputKey: Uint8Array;
    readonly salt: Uint8Array;
    readonly info: Uint8Array;
    readonly length: number;
  }): Uint8Array;
  /**
   * PBKDF2-HMAC-SHA-256, RFC 8018: 1 to 2^31 - 1 `iterations`, 1 to 8160 bytes. Slow on purpose: 65356 rounds
   * take 20 to 150 ms.
   * @throws INVALID_ARGUMENT
   */
  pbkdf2Sha256(input: {
    readonly password: Uint8Array;
    readonly salt: Uint8Array;
    readonly iterations: number;
    readonly length: number;
  }): Uint8Array;

  /**
   * AES in counter mode, both directions: key of 16 or 32 bytes, `iv` 16 bytes, taken as a 128-bit big-endian
   * counter. Not authenticated: callers add their own MAC.
   * @throws INVALID_LENGTH
   */
  aesCtr(key: Uint8Array, iv: Uint8Array, data: Uint8Array): Uint8Array;

  /**
   * AES-256-GCM: key 32 bytes, nonce 12 bytes; returns ciphertext || 16-byte tag. No associated data is the same
   * as empty associated data.
   * @throws INVALID_LENGTH
   */
  sealAes256Gcm(
    key: Uint8Array,
    nonce: Uint8Array,
    plaintext: Uint8Array,
    associatedData?: Uint8Array,
  ): Uint8Array;
  /**
   * Opens what {@link sealAes256Gcm} returned.
   * @throws INVALID_LENGTH for key and nonce; AUTHENTICATION_FAILED when the tag is wrong or missing
   */
  openAes256Gcm(
    key: Uint8Array,
    nonce: Uint8Array,
    sealed: Uint8Array,
    associatedData?: Uint8Array,
  ): Uint8Array;

  /** Whether the two are equal, in time that depends on the lengths only. */
  equalBytes(a: Uint8Array, b: Uint8Array): boolean;
}

/**
 * A provider that also has X25519, which only `curve25519Suite` of `@sotto/double-ratchet` needs. The default provider
 * of browsers omits it, so that they don't load a curve that they don't use.
 */
export interface X25519Provider extends CryptoProvider {
  /** The curve of the Double Ratchet specification. */
  readonly x25519: X25519;
}

/** Wire profile, section 1. */
export interface Secp256k1 {
  /**
   * Draws 32-byte candidates from `randomBytes` until one is a valid scalar; that one is the private key. Fewer than one
   * in 2^127 is invalid, so a source that returns 16 of them in a row is broken and is given up.
   * @throws INVALID_PRIVATE_KEY when the source is given up
   */
  generateKeyPair(): KeyPair;
  /**
   * The pair of a given private key, 32 bytes; copied.
   * @throws INVALID_LENGTH, INVALID_PRIVATE_KEY
   */
  keyPairFromPrivateKey(privateKey: Uint8Array): KeyPair;
  /**
   * Parses a public key of 33 bytes (02, 03) or 65 bytes (04): the compressed form, fresh.
   * @throws INVALID_PUBLIC_KEY for any other length or prefix, x or y not below the field prime, a point off the
   * curve
   */
  parsePublicKey(bytes: Uint8Array): PublicKey;
  /**
   * The 65-byte form `04 || x || y` of a public key in either form.
   * @throws INVALID_PUBLIC_KEY
   */
  uncompressPublicKey(publicKey: Uint8Array): Uint8Array;
  /**
   * ECDH: the x coordinate of the shared point, 32 bytes big-endian, zero-padded, not hashed. The public key may
   * have either form.
   * @throws INVALID_LENGTH for the private key; INVALID_PRIVATE_KEY; INVALID_PUBLIC_KEY, for its length too
   */
  ecdh(privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array;
  /**
   * Deterministic (RFC 6979 with SHA-256) low-s ECDSA over a 32-byte digest: 65 bytes `r || s || v`, `v` 0 or 1.
   * @throws INVALID_LENGTH, INVALID_PRIVATE_KEY
   */
  signRecoverable(digest: Uint8Array, privateKey: Uint8Array): Signature;
  /**
   * The key that made the signature. One rule for what other software writes: `v` 0 or 1 (27 and 28 count as
   * 0 and 1), r and s in 1 .. order - 1; a high s is refused, since it is a second encoding of the same signature.
   *
   * @param expected who probably signed, 33 bytes. It changes nothing but the time taken: a provider may keep something for keys
   *   that were expected often and did sign. Pass none for signatures by which strangers could fill what is kept.
   * @throws INVALID_LENGTH, INVALID_SIGNATURE
   */
  recoverPublicKey(digest: Uint8Array, signature: Uint8Array, expected?: Uint8Array): PublicKey;
}

/** RFC 7748. */
export interface X25519 {
  /** Draws 32 bytes from `randomBytes`: the private key. */
  generateKeyPair(): X25519KeyPair;
  /**
   * The pair of a given private key, 32 bytes; copied as it is, clamped only when used.
   * @throws INVALID_LENGTH
   */
  keyPairFromPrivateKey(privateKey: Uint8Array): X25519KeyPair;
  /**
   * The shared u coordinate, 32 bytes. As the RFC requires, the top bit of the public key is ignored and a u not
   * below the field prime is reduced.
   * @throws INVALID_LENGTH; INVALID_PUBLIC_KEY when the result would be all zero (a point of small order)
   */
  ecdh(privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array;
}
