import type { MlKem768Provider, X25519Provider } from '@sotto/core';

/** What the ratchet needs: X25519 and ML-KEM-768 beside hashes and ciphers. */
export type TripleRatchetProvider = X25519Provider & MlKem768Provider;
