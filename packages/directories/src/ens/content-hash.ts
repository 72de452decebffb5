import { compareBytes, concatBytes, encodeHex, type PublicKey } from '@sotto/core';
import { ipnsNameBytes } from '../ipns/key-cid.js';

/** Where a name leads to (ENSIP-7), as far as bundles are concerned. */
export type EnsContent =
  /** The IPNS name of the identity itself: the directory on IPNS finds the bundle. */
  | { readonly kind: 'ipns' }
  /** Something on Swarm, by its reference in hex, 32 bytes: if it is the feed of the identity, its directory finds the bundle. */
  | { readonly kind: 'swarm'; readonly reference: string }
  /** Something else, such as a web site. */
  | { readonly kind: 'other' };

/** Multicodec ipns-ns. */
const IPNS = Uint8Array.of(0xe5, 0x01);
/** Multicodecs swarm-ns, CID version 1, swarm-manifest, keccak-256 of 32 bytes. */
const SWARM = Uint8Array.of(0xe4, 0x01, 0x01, 0xfa, 0x01, 0x1b, 0x20);

/** The contenthash that leads to the IPNS name of an identity. */
export function ipnsContentHash(identity: PublicKey): Uint8Array {
  return concatBytes(IPNS, ipnsNameBytes(identity));
}

/** What a contenthash leads to; none when it is empty. */
export function readContentHash(bytes: Uint8Array, identity: PublicKey): EnsContent | undefined {
  if (bytes.length === 0) return undefined;
  if (compareBytes(bytes, ipnsContentHash(identity)) === 0) return { kind: 'ipns' };
  const start = bytes.subarray(0, SWARM.length);
  if (bytes.length === SWARM.length + 32 && compareBytes(start, SWARM) === 0) {
    return { kind: 'swarm', reference: encodeHex(bytes.subarray(SWARM.length)) };
  }
  return { kind: 'other' };
}
