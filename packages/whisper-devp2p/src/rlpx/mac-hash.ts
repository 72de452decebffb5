import type { Peer } from '@ethereumjs/devp2p';
import { concatBytes } from '@sotto/core';
import { createKeccak } from 'hash-wasm';

/** KECCAK-256 of all that has come, which goes on: each MAC of RLPx is made of one. */
export interface MacHash {
  update(bytes: Uint8Array): unknown;
  /** What it is digested of is not gone on with. */
  clone(): { digest(): Uint8Array };
}

/** Makes one; `undefined` when it has to be done without. */
export type NewMacHash = () => MacHash | undefined;

/** What is loaded; `undefined` before anybody asked. */
let shelf: { newHash?: () => MacHash } | undefined;

/**
 * In WebAssembly, some ten times as fast as the library's own. Loaded once, from the first call on: that takes less time than
 * a handshake. Until then there are none, and nor are there where WebAssembly may not run.
 */
export function macHashes(): NewMacHash {
  shelf ??= startLoading();
  return () => shelf?.newHash?.();
}

function startLoading(): { newHash?: () => MacHash } {
  const filled: { newHash?: () => MacHash } = {};
  void load().then(
    (newHash) => {
      filled.newHash = newHash;
    },
    () => {},
  );
  return filled;
}

async function load(): Promise<() => MacHash> {
  // One for all connections: what each has hashed so far is 400 bytes, which are put into it when their turn comes.
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

/** Has the MACs of a session, once its handshake is done, hash with these if there are any. */
export function hashMacsWith(ecies: Peer['_eciesSession'], newHash: NewMacHash): void {
  const setupFrame = ecies._setupFrame.bind(ecies);
  ecies._setupFrame = (remoteData, incoming) => {
    setupFrame(remoteData, incoming);
    // The library keeps what it has begun to hash to itself, so it is begun again.
    begin(ecies['_ingressMac'], ecies['_nonce'], remoteData, newHash());
    begin(ecies['_egressMac'], ecies['_remoteNonce'], ecies['_initMsg'], newHash());
  };
}

function begin(
  mac: Peer['_eciesSession']['_ingressMac'],
  nonce: Uint8Array | null,
  message: Uint8Array | null | undefined,
  hash: MacHash | undefined,
): void {
  if (hash === undefined || mac === null || nonce === null || message === null || message === undefined)
    return;
  const masked = mac['_secret'].map((byte, i) => byte ^ (nonce[i] as number));
  hash.update(concatBytes(masked, message));
  Object.assign(mac, { _hash: hash });
}
