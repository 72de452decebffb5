import {
  concatBytes,
  ML_KEM_768_CIPHERTEXT_LENGTH,
  ML_KEM_768_ENCAPSULATION_KEY_LENGTH,
  ML_KEM_768_SEED_LENGTH,
  ML_KEM_768_SHARED_SECRET_LENGTH,
  type MlKem768Provider,
} from '@sotto/core';
import { type Operation, operationOf, type Parameter } from './operations.js';

/** Coefficients of an encapsulation key. */
const COEFFICIENTS = 768;
/** What each of them is below. */
export const MODULUS = 3329;

const operation = operationOf<MlKem768Provider>();

export function mlKem768Operations(): readonly Operation<MlKem768Provider>[] {
  return [
    operation('mlKem768.keyPairFromSeed', [ofLength(ML_KEM_768_SEED_LENGTH)], ({ mlKem768 }, seed) => {
      const pair = mlKem768.keyPairFromSeed(seed);
      return [pair.encapsulationKey, pair.seed];
    }),
    operation('mlKem768.encapsulate', [encapsulationKey], ({ mlKem768 }, key) => {
      // The bytes differ each time, the lengths don't.
      const { ciphertext, sharedSecret } = mlKem768.encapsulate(key);
      const fits =
        ciphertext.length === ML_KEM_768_CIPHERTEXT_LENGTH &&
        sharedSecret.length === ML_KEM_768_SHARED_SECRET_LENGTH;
      return [Uint8Array.of(fits ? 1 : 0)];
    }),
    operation(
      'mlKem768.decapsulate',
      [ofLength(ML_KEM_768_SEED_LENGTH), ofLength(ML_KEM_768_CIPHERTEXT_LENGTH)],
      ({ mlKem768 }, seed, ciphertext) => [mlKem768.decapsulate(seed, ciphertext)],
    ),
  ];
}

/** An encapsulation key with one coefficient replaced. */
export function withCoefficient(key: Uint8Array, index: number, value: number): Uint8Array {
  const changed = Uint8Array.from(key);
  const at = (index >> 1) * 3;
  const [low, middle, high] = [changed[at], changed[at + 1], changed[at + 2]] as [number, number, number];
  const [even, odd] =
    index % 2 === 0 ? [value, (middle >> 4) | (high << 4)] : [low | ((middle & 15) << 8), value];
  changed[at] = even & 255;
  changed[at + 1] = (even >> 8) | ((odd & 15) << 4);
  changed[at + 2] = odd >> 4;
  return changed;
}

function ofLength(length: number): Parameter<Uint8Array> {
  return {
    usual: (draw) => draw.bytes(length),
    hostile: (draw) => draw.bytes(draw.pick([0, 1, length - 1, length + 1, 2 * length])),
  };
}

const encapsulationKey: Parameter<Uint8Array> = {
  usual(draw) {
    let key = concatBytes(new Uint8Array(ML_KEM_768_ENCAPSULATION_KEY_LENGTH - 32), draw.bytes(32));
    for (let index = 0; index < COEFFICIENTS; index++)
      key = withCoefficient(key, index, draw.integer(MODULUS));
    return key;
  },
  hostile(draw) {
    const wrong = withCoefficient(
      encapsulationKey.usual(draw),
      draw.integer(COEFFICIENTS),
      draw.pick([MODULUS, MODULUS + 1, 4095]),
    );
    return draw.pick([
      wrong,
      draw.bytes(ML_KEM_768_ENCAPSULATION_KEY_LENGTH - 1),
      draw.bytes(ML_KEM_768_ENCAPSULATION_KEY_LENGTH + 1),
      draw.bytes(0),
    ]);
  },
};
