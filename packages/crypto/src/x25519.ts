/**
 * X25519 for a provider that lacks it. An entry of its own, since only post-quantum sessions and `curve25519Suite` of
 * `@sotto/double-ratchet` need the curve.
 */
import type { CryptoProvider, X25519Provider } from '@sotto/core';
import { createX25519 } from './portable/x25519.js';

export type { X25519, X25519Provider } from '@sotto/core';

/** The provider with X25519: itself where it has the curve, else with that of @noble/curves. */
export function withX25519<Provider extends CryptoProvider>(provider: Provider): Provider & X25519Provider {
  if (hasX25519(provider)) return provider;
  return {
    ...provider,
    get parts() {
      return { ...provider.parts, x25519: '@noble/curves, in JavaScript' };
    },
    x25519: createX25519(provider.randomBytes),
  };
}

function hasX25519<Provider extends CryptoProvider>(
  provider: Provider,
): provider is Provider & X25519Provider {
  return 'x25519' in provider && provider.x25519 !== undefined;
}
