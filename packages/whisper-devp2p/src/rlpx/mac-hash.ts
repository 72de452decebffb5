import { keccak_256 } from '@noble/hashes/sha3.js';
import { createKeccak } from 'hash-wasm';

/** A running KECCAK-256: each MAC of RLPx is one. */
export interface MacHash {
  update(bytes: Uint8Array): unknown;
  /** The digest of everything so far; the hash can still be updated. */
  clone(): { digest(): Uint8Array };
}

export type NewMacHash = () => MacHash;

/** `undefined` before the first call; empty while it loads, and where WebAssembly is forbidden. */
let loaded: { create?: NewMacHash } | undefined;

/**
 * Hashes in WebAssembly, about ten times as fast as in JavaScript. The first call loads it, which takes less time than a
 * handshake. Until then, and where WebAssembly is forbidden, hashes are computed in JavaScript.
 */
export function macHashes(): NewMacHash {
  loaded ??= startLoading();
  return () => (loaded?.create ?? newPortableMacHash)();
}

/** A hash in JavaScript. */
export const newPortableMacHash: NewMacHash = () => keccak_256.create();

function startLoading(): { create?: NewMacHash } {
  const filled: { create?: NewMacHash } = {};
  void load().then(
    (create) => {
      filled.create = create;
    },
    () => {},
  );
  return filled;
}

async function load(): Promise<NewMacHash> {
  // Shared by all connections: the state of each, 400 bytes, is loaded for each use.
  const keccak = await createKeccak(256);
  const nothing = keccak.init().save();
  return () => {
    let state = nothing;
    return {
      update(bytes) {
        state = keccak.load(state).update(bytes).save();
      },
      clone: () => ({ digest: () => keccak.load(state).digest('binary') }),
    };
  };
}
