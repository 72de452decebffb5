import type { KeyObject } from 'node:crypto';
import * as nodeCrypto from 'node:crypto';

/** What of node:crypto is used for ML-KEM-768; Node.js has it from 24.7 on. */
export interface NativeMlKem {
  /** Makes a secret for the owner of a public key. */
  readonly encapsulate: (key: KeyObject) => {
    readonly ciphertext: Uint8Array;
    readonly sharedKey: Uint8Array;
  };
  /** The secret in a ciphertext. */
  readonly decapsulate: (key: KeyObject, ciphertext: Uint8Array) => Uint8Array;
  readonly createPrivateKey: typeof nodeCrypto.createPrivateKey;
  readonly createPublicKey: typeof nodeCrypto.createPublicKey;
}

/** What this Node.js has of it; its types are older than these functions. */
export function nativeMlKem(): Partial<NativeMlKem> {
  return nodeCrypto as unknown as Partial<NativeMlKem>;
}
