import { ml_kem768 } from '@noble/post-quantum/ml-kem.js';
import {
  copyBytes,
  ML_KEM_768_CIPHERTEXT_LENGTH,
  ML_KEM_768_ENCAPSULATION_KEY_LENGTH,
  ML_KEM_768_SEED_LENGTH,
  type MlKem768,
  MlKem768Encapsulation,
  type MlKem768EncapsulationKey,
  MlKem768KeyPair,
  type MlKem768Seed,
  type RandomSource,
  wipeBytes,
} from '@sotto/core';
import { requireLength } from '../arguments.js';
import { keptWith } from '../kept-with.js';
import { invalidEncapsulationKey } from '../ml-kem-arguments.js';

/** Bytes that an encapsulation draws: `m` of FIPS 203. */
const MESSAGE_LENGTH = 32;

/** ML-KEM-768 on @noble/post-quantum. */
export function createMlKem768(randomBytes: RandomSource): MlKem768 {
  return {
    generateKeyPair() {
      return pairOf(randomBytes(ML_KEM_768_SEED_LENGTH));
    },

    keyPairFromSeed(seed) {
      requireLength('seed', seed, ML_KEM_768_SEED_LENGTH);
      return pairOf(copyBytes(seed));
    },

    encapsulate(encapsulationKey) {
      requireLength('encapsulation key', encapsulationKey, ML_KEM_768_ENCAPSULATION_KEY_LENGTH);
      const message = randomBytes(MESSAGE_LENGTH);
      const { cipherText, sharedSecret } = encapsulateWith(encapsulationKey, message);
      const encapsulation = new MlKem768Encapsulation(copyBytes(cipherText), copyBytes(sharedSecret));
      wipeBytes(message, sharedSecret);
      return encapsulation;
    },

    decapsulate(seed, ciphertext) {
      requireLength('seed', seed, ML_KEM_768_SEED_LENGTH);
      requireLength('ciphertext', ciphertext, ML_KEM_768_CIPHERTEXT_LENGTH);
      return copyBytes(ml_kem768.decapsulate(copyBytes(ciphertext), keysOf(seed).secretKey));
    },
  };
}

function encapsulateWith(encapsulationKey: Uint8Array, message: Uint8Array) {
  try {
    return ml_kem768.encapsulate(copyBytes(encapsulationKey), message);
  } catch {
    // Of keys and messages of the right lengths, the library refuses only these.
    throw invalidEncapsulationKey();
  }
}

/** Deriving the keys takes nearly half of a decapsulation. */
const keysOf = keptWith((seed) => {
  const ownSeed = copyBytes(seed);
  const keys = ml_kem768.keygen(ownSeed);
  wipeBytes(ownSeed);
  return keys;
});

/** Takes the bytes over. */
function pairOf(seed: Uint8Array): MlKem768KeyPair {
  const { publicKey } = keysOf(seed);
  return new MlKem768KeyPair(copyBytes(publicKey) as MlKem768EncapsulationKey, seed as MlKem768Seed);
}
