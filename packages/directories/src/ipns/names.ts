import { base32nopad, base36 } from '@scure/base';
import { compareBytes, concatBytes, PUBLIC_KEY_LENGTH, type PublicKey } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';

/** CIDv1, codec libp2p-key, multihash identity, 37 bytes: PublicKey { Type: Secp256k1, Data: 33 bytes } of libp2p. */
const KEY_PREFIX = Uint8Array.of(0x01, 0x72, 0x00, 0x25, 0x08, 0x02, 0x12, 0x21);
/** CIDv1, codec raw, multihash sha2-256, 32 bytes. */
const RAW_PREFIX = Uint8Array.of(0x01, 0x55, 0x12, 0x20);

/**
 * The IPNS name of an identity (33 bytes, compressed SEC1): the key itself, as a CIDv1 in base36, `k…`. Whoever has the key
 * has the name.
 */
export function ipnsName(identity: PublicKey): string {
  return `k${base36.encode(ipnsNameBytes(identity)).toLowerCase()}`;
}

/** The bytes of the same CID, 41 of them, as a contenthash holds them. */
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

/** The CID of a raw block, `bafkrei…`. */
export function rawBlockCid(crypto: CryptoProvider, block: Uint8Array): string {
  return `b${base32nopad.encode(concatBytes(RAW_PREFIX, crypto.sha256(block))).toLowerCase()}`;
}

/** SHA-256 of the raw block that a path `/ipfs/bafkrei…` names, 32 bytes; none for any other path. */
export function hashOfRawPath(path: string): Uint8Array | undefined {
  const [, digits] = /^\/ipfs\/b([a-z2-7]{58})\/?$/.exec(path) ?? [];
  if (digits === undefined) return undefined;
  let bytes: Uint8Array;
  try {
    bytes = base32nopad.decode(digits.toUpperCase());
  } catch {
    return undefined;
  }
  if (bytes.length !== RAW_PREFIX.length + 32) return undefined;
  return compareBytes(bytes.subarray(0, RAW_PREFIX.length), RAW_PREFIX) === 0
    ? bytes.subarray(RAW_PREFIX.length)
    : undefined;
}
