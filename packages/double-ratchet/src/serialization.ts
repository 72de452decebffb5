import { SHARED_KEY_LENGTH } from '@sotto/core';
import { RatchetState, type SendingSide } from './state.js';
import { StateReader, StateWriter } from './state-bytes.js';
import type { RatchetKeyPair, SuiteName } from './suite.js';

/*
 * Version 1, big-endian:
 *   version 1 | suite 1 (1 secp256k1, 2 curve25519) | flags 1 (1 sending chain, 2 own key pair, 4 remote key)
 *   | root key 32 | receiving chain key 32 | receiving n 4 | previous length 4 | received 4
 *   | sending chain key 32, n 4 (flag 1) | own public key, private key 32 (flag 2) | remote key (flag 4)
 *   | skipped keys, see `StateWriter.skipped`
 */
const WHAT = 'ratchet state';
const VERSION = 1;
const SENDING_CHAIN = 1;
const OWN_KEY_PAIR = 2;
const REMOTE_KEY = 4;
const SUITES: readonly { readonly name: SuiteName; readonly publicKeyLength: number }[] = [
  { name: 'secp256k1', publicKeyLength: 33 },
  { name: 'curve25519', publicKeyLength: 32 },
];

/**
 * The state as bytes, to be kept secret: at most 224 without skipped keys, and about 10 more for each gap. The
 * skipped message keys themselves are not in it.
 * @throws LIMIT_EXCEEDED when the skipped keys belong to more than 65,535 chains, which requires limits far beyond the default,
 * or a counter is beyond 2^32 - 1
 */
export function encodeState(state: RatchetState): Uint8Array {
  const { sending, remoteKey } = state;
  const out = new StateWriter(WHAT);
  out.u8(VERSION);
  out.u8(SUITES.findIndex(({ name }) => name === state.suite) + 1);
  out.u8(
    (sending.kind === 'chain' ? SENDING_CHAIN : 0) |
      (sending.keyPair === undefined ? 0 : OWN_KEY_PAIR) |
      (remoteKey === undefined ? 0 : REMOTE_KEY),
  );
  out.bytes(state.rootKey);
  out.bytes(state.receiving.chainKey);
  out.u32(state.receiving.n);
  out.u32(state.previousLength);
  out.u32(state.received);
  if (sending.kind === 'chain') {
    out.bytes(sending.chain.chainKey);
    out.u32(sending.chain.n);
  }
  if (sending.keyPair !== undefined) {
    out.bytes(sending.keyPair.publicKey);
    out.bytes(sending.keyPair.privateKey);
  }
  if (remoteKey !== undefined) out.bytes(remoteKey);
  out.skipped(state.skipped);
  return out.finish();
}

/**
 * Reads what {@link encodeState} wrote; the bytes are copied.
 * @throws STATE_CORRUPT, STATE_VERSION_UNSUPPORTED, INVALID_ARGUMENT
 */
export function decodeState(bytes: Uint8Array): RatchetState {
  const input = new StateReader(WHAT, bytes);
  input.version(VERSION);
  const suite = SUITES[input.u8() - 1];
  if (suite === undefined) throw input.corrupt('unknown suite');
  const flags = input.u8();
  if (flags > (SENDING_CHAIN | OWN_KEY_PAIR | REMOTE_KEY)) throw input.corrupt('unknown flags');
  const rootKey = input.bytes(SHARED_KEY_LENGTH);
  const receiving = { chainKey: input.bytes(SHARED_KEY_LENGTH), n: input.u32() };
  const previousLength = input.u32();
  const received = input.u32();
  const chain =
    flags & SENDING_CHAIN ? { chainKey: input.bytes(SHARED_KEY_LENGTH), n: input.u32() } : undefined;
  const keyPair: RatchetKeyPair | undefined =
    flags & OWN_KEY_PAIR
      ? { publicKey: input.bytes(suite.publicKeyLength), privateKey: input.bytes(32) }
      : undefined;
  const remoteKey = flags & REMOTE_KEY ? input.bytes(suite.publicKeyLength) : undefined;
  const skipped = input.skipped(suite.publicKeyLength);
  input.end();

  let sending: SendingSide;
  if (chain === undefined) {
    if (remoteKey === undefined) throw input.corrupt('no sending chain and no remote key');
    sending = { kind: 'inactive', keyPair };
  } else {
    if (keyPair === undefined) throw input.corrupt('a sending chain without its key');
    sending = { kind: 'chain', chain, keyPair };
  }
  return new RatchetState({
    suite: suite.name,
    rootKey,
    sending,
    previousLength,
    remoteKey,
    receiving,
    received,
    skipped,
  });
}
