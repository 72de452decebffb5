import { keccak_256 } from '@noble/hashes/sha3.js';
import type { IHasher } from 'hash-wasm';
import { leadingZeroBits } from '../envelope/envelope.js';

/** The best nonce of a search, and the number of leading zero bits of its hash. */
export interface Found {
  readonly nonce: bigint;
  readonly bits: number;
}

/** Searches nonces for one prefix, which is hashed once. */
export interface NonceSearch {
  /** Tries up to `count` nonces in order; stops at the first with this many leading zero bits. */
  find(bits: number, from: number, count: number): Found;
}

/** Hashes prefix and nonce. The result is overwritten by the next call. */
type HashNonce = (nonce: Uint8Array) => Uint8Array;

function createSearch(hash: HashNonce): NonceSearch {
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  return {
    find(bits, from, count) {
      let best = { at: from, bits: -1 };
      for (let at = from; at < from + count && best.bits < bits; at++) {
        view.setUint32(0, Math.floor(at / 2 ** 32));
        view.setUint32(4, at >>> 0);
        const zeros = leadingZeroBits(hash(bytes));
        if (zeros > best.bits) best = { at, bits: zeros };
      }
      return { nonce: BigInt(best.at), bits: best.bits };
    },
  };
}

/** A search with @noble/hashes: available everywhere, without loading. */
export function createNonceSearch(prefix: Uint8Array): NonceSearch {
  const begun = keccak_256.create().update(prefix);
  const attempt = begun.clone();
  const digest = new Uint8Array(32);
  return createSearch((nonce) => {
    begun._cloneInto(attempt);
    attempt.update(nonce).digestInto(digest);
    return digest;
  });
}

/** hash-wasm's function of that name. */
type CreateKeccak = (bits: 256) => Promise<IHasher>;

/** A search with the WebAssembly of hash-wasm, about ten times as fast. Rejects where WebAssembly is missing or forbidden. */
export async function createWebAssemblySearch(createKeccak: CreateKeccak): Promise<typeof createNonceSearch> {
  const keccak = await createKeccak(256);
  return (prefix) => {
    const begun = keccak.init().update(prefix).save();
    return createSearch((nonce) => keccak.load(begun).update(nonce).digest('binary'));
  };
}
