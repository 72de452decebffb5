import type { Branded } from './keys.js';
import { Redacted } from './redacted.js';

/** An X25519 public key: a u coordinate, 32 bytes little-endian. */
export type X25519PublicKey = Branded<'X25519PublicKey'>;
/** An X25519 private key, 32 bytes, not clamped. */
export type X25519PrivateKey = Branded<'X25519PrivateKey'>;

/** An X25519 key pair. Prints redacted. */
export class X25519KeyPair extends Redacted {
  constructor(
    /** 32 bytes. */
    readonly publicKey: X25519PublicKey,
    /** 32 bytes. */
    readonly privateKey: X25519PrivateKey,
  ) {
    super();
  }
}
