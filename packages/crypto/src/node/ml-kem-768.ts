import { Buffer } from 'node:buffer';
import type { KeyObject } from 'node:crypto';
import {
  concatBytes,
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
import type { NativeMlKem } from './native-ml-kem.js';
import { plainBytes } from './plain-bytes.js';

/** What stands before the seed in PKCS #8, with the seed alone (RFC 9935, section 6). */
const PKCS8_PREFIX = Uint8Array.from(Buffer.from('3054020100300b060960864801650304040204428040', 'hex'));
/** What stands before the encapsulation key in SubjectPublicKeyInfo (RFC 9935, section 4). */
const SPKI_PREFIX = Uint8Array.from(Buffer.from('308204b2300b0609608648016503040402038204a100', 'hex'));

/** ML-KEM-768 on OpenSSL, through node:crypto, which draws the randomness of encapsulations itself. */
export function createMlKem768(native: NativeMlKem, randomBytes: RandomSource): MlKem768 {
  /** Takes the bytes over. */
  function pairOf(seed: Uint8Array): MlKem768KeyPair {
    const exported = native.createPublicKey(importSeed(seed)).export({ format: 'der', type: 'spki' });
    const encapsulationKey = copyBytes(exported.subarray(-ML_KEM_768_ENCAPSULATION_KEY_LENGTH));
    return new MlKem768KeyPair(encapsulationKey as MlKem768EncapsulationKey, seed as MlKem768Seed);
  }

  const importSeed = keptWith((seed): KeyObject => {
    const der = concatBytes(PKCS8_PREFIX, seed);
    try {
      return native.createPrivateKey({ key: viewOf(der), format: 'der', type: 'pkcs8' });
    } finally {
      wipeBytes(der);
    }
  });

  function importEncapsulationKey(encapsulationKey: Uint8Array): KeyObject {
    const der = concatBytes(SPKI_PREFIX, encapsulationKey);
    try {
      return native.createPublicKey({ key: viewOf(der), format: 'der', type: 'spki' });
    } catch {
      // Of keys of the right length, OpenSSL refuses only these.
      throw invalidEncapsulationKey();
    }
  }

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
      const { ciphertext, sharedKey } = native.encapsulate(importEncapsulationKey(encapsulationKey));
      return new MlKem768Encapsulation(plainBytes(ciphertext), plainBytes(sharedKey));
    },

    decapsulate(seed, ciphertext) {
      requireLength('seed', seed, ML_KEM_768_SEED_LENGTH);
      requireLength('ciphertext', ciphertext, ML_KEM_768_CIPHERTEXT_LENGTH);
      return plainBytes(native.decapsulate(importSeed(seed), ciphertext));
    },
  };
}

/** Node's types want a Buffer here. */
function viewOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
