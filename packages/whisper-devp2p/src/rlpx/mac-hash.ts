import { keccak_256 } from '@noble/hashes/sha3.js';
import { createKeccak } from 'hash-wasm';

/** KECCAK-256 of everything so far, which can be continued: each MAC of RLPx is one. */
export interface MacHash {
  update(bytes: Uint8Array): unknown;
  /** What is digested is a copy, and not continued. */
  clone(): { digest(): Uint8Array };
}

export type NewMacHash = () => MacHash;

/** `undefined` before anybody asked; empty while it is loaded, and where WebAssembly may not run. */
let loaded: { create?: NewMacHash } | undefined;

/**
 * Hashes in WebAssembly, some ten times as fast as in JavaScript. It is loaded once, by the first call, which takes less time than a
 * handshake. Until then, and where WebAssembly may not run, hashes are made in JavaScript.
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
  // One for all connections: the state of each has 400 bytes, which are loaded when its turn comes.
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
