import { readFileSync } from 'node:fs';

/** NIST's test cases, see `acvp/README.md`. Bytes in hex. */
export interface MlKem768Vectors {
  readonly keyGen: readonly { tcId: number; d: string; z: string; ek: string; dk: string }[];
  readonly encapsulation: readonly { tcId: number; ek: string; m: string; c: string; k: string }[];
  readonly decapsulation: { dk: string; tests: readonly { tcId: number; c: string; k: string }[] };
}

export function loadMlKem768Vectors(): MlKem768Vectors {
  return JSON.parse(readFileSync(new URL('./acvp/ml-kem-768.json', import.meta.url), 'utf8'));
}
