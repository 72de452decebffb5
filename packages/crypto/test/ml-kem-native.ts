import { ml_kem768 } from '@noble/post-quantum/ml-kem.js';
import { type NativeMlKem, nativeMlKem } from '../src/node/native-ml-kem.js';

/** Whether this Node.js has ML-KEM itself: from 24.7 on. */
export const isNative = nativeMlKem().encapsulate !== undefined;

/**
 * node:crypto's ML-KEM; in an older Node.js a stand-in with the same interface, whose arithmetic is that of @noble/post-quantum: it
 * takes and gives keys in DER as OpenSSL does, and refuses what OpenSSL refuses.
 */
export function nativeOrStandIn(): NativeMlKem {
  return isNative ? (nativeMlKem() as NativeMlKem) : standIn;
}

/** In DER: what OpenSSL 3.5 exports, up to the key. */
const PKCS8 = '3054020100300b060960864801650304040204428040';
const SPKI = '308204b2300b0609608648016503040402038204a100';

interface Key {
  readonly seed?: Uint8Array;
  readonly encapsulationKey: Uint8Array;
  export(): Buffer;
}

function keyOf(encapsulationKey: Uint8Array, seed?: Uint8Array): Key {
  return {
    ...(seed && { seed }),
    encapsulationKey,
    export: () => Buffer.concat([Buffer.from(SPKI, 'hex'), encapsulationKey]),
  };
}

function contentOf(der: Buffer, prefix: string, length: number): Uint8Array {
  if (der.subarray(0, -length).toString('hex') !== prefix) throw new Error('not such a key');
  return new Uint8Array(der.subarray(-length));
}

const standIn = {
  createPrivateKey: ({ key }: { readonly key: Buffer }) => {
    const seed = contentOf(key, PKCS8, 64);
    return keyOf(ml_kem768.keygen(seed).publicKey, seed);
  },
  createPublicKey: (input: Key | { readonly key: Buffer }) => {
    if ('export' in input) return input;
    const encapsulationKey = contentOf(input.key, SPKI, 1184);
    ml_kem768.encapsulate(encapsulationKey); // refuses what isn't one
    return keyOf(encapsulationKey);
  },
  encapsulate: ({ encapsulationKey }: Key) => {
    const { cipherText, sharedSecret } = ml_kem768.encapsulate(encapsulationKey);
    return { ciphertext: Buffer.from(cipherText), sharedKey: Buffer.from(sharedSecret) };
  },
  decapsulate: ({ seed }: Key, ciphertext: Uint8Array) =>
    Buffer.from(
      ml_kem768.decapsulate(new Uint8Array(ciphertext), ml_kem768.keygen(seed as Uint8Array).secretKey),
    ),
} as unknown as NativeMlKem;
