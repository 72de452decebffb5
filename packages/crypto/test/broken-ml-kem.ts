import { concatBytes, copyBytes, MlKem768Encapsulation, type MlKem768KeyPair, SottoError } from '@sotto/core';
import { createPortableProvider } from '../src/index.js';
import { type MlKem768, type MlKem768Provider, withMlKem768 } from '../src/ml-kem.js';

/** A provider whose ML-KEM-768 has one fault, as they are really made. */
export interface BrokenMlKem {
  /** Begins with the name of the operation. */
  readonly fault: string;
  readonly provider: MlKem768Provider;
  /** Names of cases that have to notice. */
  readonly noticedBy: RegExp;
}

const sound = withMlKem768(createPortableProvider());

function withFault(changes: Partial<MlKem768>): MlKem768Provider {
  return { ...sound, name: 'broken', mlKem768: { ...sound.mlKem768, ...changes } };
}

/** The seed with its halves exchanged: z || d. */
const exchanged = (seed: Uint8Array) => concatBytes(seed.subarray(32), seed.subarray(0, 32));

/** Each coefficient that is not below the modulus, without the modulus. */
function reduced(key: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(key);
  for (let at = 0; at < 1152; at += 3) {
    const [low, middle, high] = copy.subarray(at, at + 3) as unknown as [number, number, number];
    const even = (low | ((middle & 15) << 8)) % 3329;
    const odd = ((middle >> 4) | (high << 4)) % 3329;
    copy.set([even & 255, (even >> 8) | ((odd & 15) << 4), odd >> 4], at);
  }
  return copy;
}

const scratch = new Uint8Array(32);
const once = sound.mlKem768.encapsulate(sound.mlKem768.generateKeyPair().encapsulationKey);

export const brokenMlKem: readonly BrokenMlKem[] = [
  {
    fault: 'mlKem768.keyPairFromSeed reads the seed as z || d',
    provider: withFault({
      keyPairFromSeed: (seed) => {
        const { encapsulationKey } = sound.mlKem768.keyPairFromSeed(exchanged(seed));
        return { ...sound.mlKem768.keyPairFromSeed(seed), encapsulationKey } as MlKem768KeyPair;
      },
      decapsulate: (seed, ciphertext) => sound.mlKem768.decapsulate(exchanged(seed), ciphertext),
    }),
    noticedBy: /a known answer/,
  },
  {
    fault: 'mlKem768.keyPairFromSeed takes expanded keys too',
    provider: withFault({
      keyPairFromSeed: (seed) =>
        sound.mlKem768.keyPairFromSeed(seed.length === 2400 ? seed.subarray(0, 64) : seed),
    }),
    noticedBy: /other lengths/,
  },
  {
    fault: 'mlKem768.decapsulate refuses a ciphertext that was not made for the key',
    provider: withFault({
      decapsulate: (seed, ciphertext) => {
        if (ciphertext.every((byte) => byte === 0)) {
          throw new SottoError('AUTHENTICATION_FAILED', 'Not for this key.', { what: 'ciphertext' });
        }
        return sound.mlKem768.decapsulate(seed, ciphertext);
      },
    }),
    noticedBy: /another secret, and no error/,
  },
  {
    fault: 'mlKem768.decapsulate forgets z',
    provider: withFault({
      decapsulate: (seed, ciphertext) =>
        sound.mlKem768.decapsulate(concatBytes(seed.subarray(0, 32), new Uint8Array(32)), ciphertext),
    }),
    noticedBy: /another secret, and no error/,
  },
  {
    fault: 'mlKem768.decapsulate gives a part of a buffer that it uses again',
    provider: withFault({
      decapsulate: (seed, ciphertext) => {
        scratch.set(sound.mlKem768.decapsulate(seed, ciphertext));
        return scratch;
      },
    }),
    noticedBy: /^mlKem768.decapsulate: gives fresh/,
  },
  {
    fault: 'mlKem768.encapsulate reduces coefficients',
    provider: withFault({
      encapsulate: (key) => sound.mlKem768.encapsulate(key.length === 1184 ? reduced(key) : key),
    }),
    noticedBy: /not below the modulus/,
  },
  {
    fault: 'mlKem768.encapsulate makes the same every time',
    provider: withFault({ encapsulate: () => once }),
    noticedBy: /another each time/,
  },
  {
    fault: 'mlKem768.encapsulate gives Buffers',
    provider: withFault({
      encapsulate: (key) => {
        const { ciphertext, sharedSecret } = sound.mlKem768.encapsulate(key);
        return new MlKem768Encapsulation(Buffer.from(ciphertext), sharedSecret);
      },
    }),
    noticedBy: /ciphertext and secret are fresh/,
  },
  {
    fault: 'mlKem768.encapsulate writes into the key',
    provider: withFault({
      encapsulate: (key) => {
        const encapsulation = sound.mlKem768.encapsulate(key);
        key.fill(0);
        return encapsulation;
      },
    }),
    noticedBy: /^mlKem768.encapsulate: leaves its inputs/,
  },
  {
    fault: 'mlKem768.encapsulate prints its secret',
    provider: withFault({
      encapsulate: (key) => ({ ...sound.mlKem768.encapsulate(key) }) as unknown as MlKem768Encapsulation,
    }),
    noticedBy: /print redacted/,
  },
  {
    fault: 'mlKem768.generateKeyPair always has the same seed',
    provider: withFault({
      generateKeyPair: () => sound.mlKem768.keyPairFromSeed(copyBytes(new Uint8Array(64))),
    }),
    noticedBy: /another each time/,
  },
];
