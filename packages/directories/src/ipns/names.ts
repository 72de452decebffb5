import { base32nopad, base36 } from '@scure/base';
import { compareBytes, concatBytes, type PublicKey } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import { ipnsNameBytes } from './key-cid.js';

/** CIDv1, codec raw, multihash sha2-256, 32 bytes. */
const RAW_PREFIX = Uint8Array.of(0x01, 0x55, 0x12, 0x20);

/**
 * The IPNS name of an identity (33 bytes, compressed SEC1): the key itself, as a CIDv1 in base36, `k…`. Whoever has the key
 * has the name.
 */
export function ipnsName(identity: PublicKey): string {
  return `k${base36.encode(ipnsNameBytes(identity)).toLowerCase()}`;
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
