import type { CryptoProvider } from '@sotto/crypto';

const NEXT_CHAIN_KEY = Uint8Array.of(0x0f);
const MESSAGE_KEY = Uint8Array.of(0x10);

/** `KdfCK` of the wire profile, section 4, first half: the chain key of the next message, 32 bytes. */
export function nextChainKey(crypto: CryptoProvider, chainKey: Uint8Array): Uint8Array {
  return crypto.hmacSha256(chainKey, NEXT_CHAIN_KEY);
}

/** `KdfCK`, second half: the key of this message, 32 bytes. */
export function messageKeyOf(crypto: CryptoProvider, chainKey: Uint8Array): Uint8Array {
  return crypto.hmacSha256(chainKey, MESSAGE_KEY);
}
