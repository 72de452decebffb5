import { equalBytes } from '@noble/ciphers/utils.js';
import { copyBytes } from '@sotto/core';

/**
 * What was derived from bytes, for as long as the caller has these: reading a private key can take longer than using it, and a ratchet uses
 * each several times. From bytes that have changed since it is derived anew.
 */
export function keptWith<T>(derive: (bytes: Uint8Array) => T): (bytes: Uint8Array) => T {
  const kept = new WeakMap<Uint8Array, { readonly from: Uint8Array; readonly derived: T }>();
  return (bytes) => {
    const known = kept.get(bytes);
    if (known !== undefined && equalBytes(known.from, bytes)) return known.derived;
    const derived = derive(bytes);
    kept.set(bytes, { from: copyBytes(bytes), derived });
    return derived;
  };
}
