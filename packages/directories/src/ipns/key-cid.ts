import { compareBytes, concatBytes, PUBLIC_KEY_LENGTH, type PublicKey } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';

/** CIDv1, codec libp2p-key, multihash identity, 37 bytes: PublicKey { Type: Secp256k1, Data: 33 bytes } of libp2p. */
const KEY_PREFIX = Uint8Array.of(0x01, 0x72, 0x00, 0x25, 0x08, 0x02, 0x12, 0x21);

/** The CID that is the IPNS name of an identity (33 bytes, compressed SEC1): 41 bytes, as a contenthash holds them. */
export function ipnsNameBytes(identity: PublicKey): Uint8Array {
  return concatBytes(KEY_PREFIX, identity);
}

/**
 * The identity whose IPNS name is this CID (bytes), if it is a secp256k1 key's.
 * @throws INVALID_PUBLIC_KEY for bytes of the right form that are not a point on the curve
 */
export function identityOfIpnsName(crypto: CryptoProvider, cid: Uint8Array): PublicKey | undefined {
  const matches =
    cid.length === KEY_PREFIX.length + PUBLIC_KEY_LENGTH &&
    compareBytes(cid.subarray(0, KEY_PREFIX.length), KEY_PREFIX) === 0;
  return matches ? crypto.secp256k1.parsePublicKey(cid.subarray(KEY_PREFIX.length)) : undefined;
}
