import type { CryptoProvider } from './crypto-provider.js';
import type { Branded } from './keys.js';
import { Redacted } from './redacted.js';

/** Length in bytes of an encapsulation key. */
export const ML_KEM_768_ENCAPSULATION_KEY_LENGTH = 1184;
/** Length in bytes of the seed that a decapsulation key is kept as. */
export const ML_KEM_768_SEED_LENGTH = 64;
/** Length in bytes of a ciphertext. */
export const ML_KEM_768_CIPHERTEXT_LENGTH = 1088;
/** Length in bytes of the secret that both sides have in the end. */
export const ML_KEM_768_SHARED_SECRET_LENGTH = 32;

/** The public half of a pair, 1184 bytes: twelve bits for each of 768 coefficients, then a seed of 32 bytes. */
export type MlKem768EncapsulationKey = Branded<'MlKem768EncapsulationKey'>;
/** The secret half of a pair as FIPS 203 generates it, 64 bytes: `d 32 || z 32`. */
export type MlKem768Seed = Branded<'MlKem768Seed'>;

/** An ML-KEM-768 key pair. Prints redacted. */
export class MlKem768KeyPair extends Redacted {
  constructor(
    /** 1184 bytes. */
    readonly encapsulationKey: MlKem768EncapsulationKey,
    /** 64 bytes; secret. */
    readonly seed: MlKem768Seed,
  ) {
    super();
  }
}

/** What encapsulation returns. Prints redacted. */
export class MlKem768Encapsulation extends Redacted {
  constructor(
    /** 1088 bytes, for the owner of the encapsulation key. */
    readonly ciphertext: Uint8Array,
    /** 32 bytes; secret. */
    readonly sharedSecret: Uint8Array,
  ) {
    super();
  }
}

/**
 * A provider that also has ML-KEM-768, which only post-quantum sessions need: `withMlKem768` of `@sotto/crypto/ml-kem`
 * makes one of any provider. No other entry loads it.
 */
export interface MlKem768Provider extends CryptoProvider {
  /** The key encapsulation mechanism of post-quantum sessions. */
  readonly mlKem768: MlKem768;
}

/**
 * ML-KEM-768, FIPS 203. Decapsulation keys are kept as the seed that they are expanded from: 64 bytes instead of 2400,
 * and no expanded key of a stranger's making is ever used.
 */
export interface MlKem768 {
  /** Draws 64 bytes from `randomBytes`: the seed. FIPS 203, algorithm 19. */
  generateKeyPair(): MlKem768KeyPair;
  /**
   * The pair that a seed of 64 bytes, `d || z`, expands to; copied. Every 64 bytes are a seed. FIPS 203, algorithm 16.
   * @throws INVALID_LENGTH
   */
  keyPairFromSeed(seed: Uint8Array): MlKem768KeyPair;
  /**
   * Draws 32 bytes and makes a secret that only the owner of the encapsulation key, 1184 bytes, can obtain from the
   * ciphertext. FIPS 203, algorithm 20.
   * @throws INVALID_LENGTH; INVALID_PUBLIC_KEY when a coefficient is not below the modulus 3329 (section 7.2)
   */
  encapsulate(encapsulationKey: Uint8Array): MlKem768Encapsulation;
  /**
   * The secret in a ciphertext of 1088 bytes, 32 bytes. A ciphertext that was not made for this key is not refused: the
   * result is then a secret that nobody else can compute (implicit rejection), so that what is encrypted or
   * authenticated with it fails. FIPS 203, algorithm 21.
   * @param seed of the pair, 64 bytes
   * @throws INVALID_LENGTH
   */
  decapsulate(seed: Uint8Array, ciphertext: Uint8Array): Uint8Array;
}
