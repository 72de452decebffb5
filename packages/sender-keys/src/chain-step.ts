import type { CryptoProvider } from '@sotto/crypto';

const MESSAGE_KEY = Uint8Array.of(0x01);
const NEXT_CHAIN_KEY = Uint8Array.of(0x02);

/** The key of the message that a chain key belongs to, 32 bytes. */
export function messageKeyOf(crypto: Pick<CryptoProvider, 'hmacSha256'>, chainKey: Uint8Array): Uint8Array {
  return crypto.hmacSha256(chainKey, MESSAGE_KEY);
}

/** The chain key of the next message, 32 bytes. */
export function nextChainKey(crypto: Pick<CryptoProvider, 'hmacSha256'>, chainKey: Uint8Array): Uint8Array {
  return crypto.hmacSha256(chainKey, NEXT_CHAIN_KEY);
}
