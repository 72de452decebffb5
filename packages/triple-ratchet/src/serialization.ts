import { SHARED_KEY_LENGTH } from '@sotto/core';
import { decodeState as decodeDhState, encodeState as encodeDhState } from '@sotto/double-ratchet';
import { StateReader, StateWriter } from '@sotto/double-ratchet/keys';
import { readSparse, writeSparse } from './sparse/serialization.js';
import { type EarlierHeaderKey, type HeaderKeys, TripleRatchetState } from './state.js';

/*
 * Version 1, big-endian:
 *   version 1 | associated data 32 | flags 1 (1 sending header key, 2 receiving header key)
 *   | sending header key 32 (flag 1) | next sending 32 | receiving 32 (flag 2) | next receiving 32
 *   | earlier header keys: count 2, each: header key 32, ratchet key 32
 *   | length of the DH ratchet's state 4, that state, see `encodeState` of double-ratchet | the sparse ratchet's state
 */
const WHAT = 'triple ratchet state';
const VERSION = 1;
/** Most states fit: {@link encodeState}. */
const USUAL_LENGTH = 2100;
const SENDING = 1;
const RECEIVING = 2;

/**
 * The state as bytes, to be kept secret: at most 2100 without skipped keys, and about 20 more for each gap. The skipped message
 * keys themselves are not in it.
 * @throws LIMIT_EXCEEDED when the skipped keys belong to more than 65,535 chains, which requires limits far beyond the default,
 * or a counter is beyond 2^32 - 1
 */
export function encodeState(state: TripleRatchetState): Uint8Array {
  const { sending, nextSending, receiving, nextReceiving, earlier } = state.headerKeys;
  const out = new StateWriter(WHAT, USUAL_LENGTH);
  out.u8(VERSION);
  out.bytes(state.associatedData);
  out.u8((sending === undefined ? 0 : SENDING) | (receiving === undefined ? 0 : RECEIVING));
  if (sending !== undefined) out.bytes(sending);
  out.bytes(nextSending);
  if (receiving !== undefined) out.bytes(receiving);
  out.bytes(nextReceiving);
  if (earlier.length > 0xffff) throw out.tooMany('earlier header keys', 0xffff, earlier.length);
  out.u16(earlier.length);
  for (const { headerKey, ratchetKey } of earlier) {
    out.bytes(headerKey);
    out.bytes(ratchetKey);
  }
  const dhState = encodeDhState(state.ratchet);
  out.u32(dhState.length);
  out.bytes(dhState);
  writeSparse(out, state.sparse);
  return out.finish();
}

/**
 * Reads what {@link encodeState} wrote; the bytes are copied.
 * @throws STATE_CORRUPT, STATE_VERSION_UNSUPPORTED, INVALID_ARGUMENT
 */
export function decodeState(bytes: Uint8Array): TripleRatchetState {
  const input = new StateReader(WHAT, bytes);
  input.version(VERSION);
  const associatedData = input.bytes(SHARED_KEY_LENGTH);
  const flags = input.u8();
  if (flags > (SENDING | RECEIVING)) throw input.corrupt('unknown flags');
  const headerKeys: HeaderKeys = {
    sending: flags & SENDING ? input.bytes(SHARED_KEY_LENGTH) : undefined,
    nextSending: input.bytes(SHARED_KEY_LENGTH),
    receiving: flags & RECEIVING ? input.bytes(SHARED_KEY_LENGTH) : undefined,
    nextReceiving: input.bytes(SHARED_KEY_LENGTH),
    earlier: Array.from(
      { length: input.u16() },
      (): EarlierHeaderKey => ({
        headerKey: input.bytes(SHARED_KEY_LENGTH),
        ratchetKey: input.bytes(SHARED_KEY_LENGTH),
      }),
    ),
  };
  const ratchet = decodeDhState(input.bytes(input.u32()));
  if (ratchet.suite !== 'curve25519') throw input.corrupt('DH ratchet of another suite');
  if (ratchet.sending.kind === 'chain' && headerKeys.sending === undefined) {
    throw input.corrupt('a sending chain without its header key');
  }
  const sparse = readSparse(input);
  input.end();
  return new TripleRatchetState({ associatedData, ratchet, sparse, headerKeys });
}
