import { compareBytes, copyBytes, parseBytes, SHARED_KEY_LENGTH, SottoError } from '@sotto/core';
import { MAX_COUNTER } from './header.js';
import type { SkippedRun } from './skipped-keys.js';
import { RatchetState, type SendingSide } from './state.js';
import type { RatchetKeyPair, SuiteName } from './suite.js';

/*
 * Version 1, big-endian:
 *   version 1 | suite 1 (1 secp256k1, 2 curve25519) | flags 1 (1 sending chain, 2 own key pair, 4 remote key)
 *   | root key 32 | receiving chain key 32 | receiving n 4 | previous length 4 | received 4
 *   | sending chain key 32, n 4 (flag 1) | own public key, private key 32 (flag 2) | remote key (flag 4)
 *   | chains of skipped keys: count 2, each: key, number of runs 2, each run: first 4, count 2, stored at 4
 * Adjacent runs of one chain are written under one key. Counts that exceed two bytes
 * are split: a run of 70,000 keys is written as two runs, and 70,000 runs of one chain under its key twice.
 */
const MOST = 0xffff;
const MOST_COUNTED = 0xffff_ffff;
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
  const out = new Writer();
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
  const chains = groupByChain(state.skipped);
  if (chains.length > MOST) throw tooMany('chains with skipped keys', MOST, chains.length);
  out.u16(chains.length);
  for (const runs of chains) {
    out.bytes((runs[0] as SkippedRun).key);
    out.u16(runs.length);
    for (const run of runs) {
      out.u32(run.first);
      out.u16(run.count);
      out.u32(run.storedAt);
    }
  }
  return out.finish();
}

/**
 * Reads what {@link encodeState} wrote; the bytes are copied.
 * @throws STATE_CORRUPT, STATE_VERSION_UNSUPPORTED, INVALID_ARGUMENT
 */
export function decodeState(bytes: Uint8Array): RatchetState {
  const input = new Reader(parseBytes(bytes, 'ratchet state'));
  const version = input.u8();
  if (version !== VERSION) {
    throw new SottoError('STATE_VERSION_UNSUPPORTED', `Ratchet state of unknown version ${version}.`, {
      what: 'ratchet state',
      version,
    });
  }
  const suite = SUITES[input.u8() - 1];
  if (suite === undefined) throw corrupt('unknown suite');
  const flags = input.u8();
  if (flags > (SENDING_CHAIN | OWN_KEY_PAIR | REMOTE_KEY)) throw corrupt('unknown flags');
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
  const skipped: SkippedRun[] = [];
  for (let chains = input.u16(); chains > 0; chains--) {
    const key = input.bytes(suite.publicKeyLength);
    for (let runs = input.u16(); runs > 0; runs--) {
      const run = { key, first: input.u32(), count: input.u16(), storedAt: input.u32() };
      if (run.count === 0 || run.first + run.count > MAX_COUNTER + 1)
        throw corrupt('impossible skipped keys');
      skipped.push(run);
    }
  }
  input.end();

  let sending: SendingSide;
  if (chain === undefined) {
    if (remoteKey === undefined) throw corrupt('no sending chain and no remote key');
    sending = { kind: 'inactive', keyPair };
  } else {
    if (keyPair === undefined) throw corrupt('a sending chain without its key');
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

function groupByChain(index: readonly SkippedRun[]): SkippedRun[][] {
  const groups: SkippedRun[][] = [];
  for (const run of index.flatMap(partsOf)) {
    const last = groups.at(-1);
    const isOfLast = last !== undefined && compareBytes((last[0] as SkippedRun).key, run.key) === 0;
    if (isOfLast && last.length < MOST) last.push(run);
    else groups.push([run]);
  }
  return groups;
}

/** The run in pieces whose counts can be written. */
function partsOf(run: SkippedRun): SkippedRun[] {
  const parts: SkippedRun[] = [];
  for (let done = 0; done < run.count; done += MOST) {
    parts.push({ ...run, first: run.first + done, count: Math.min(MOST, run.count - done) });
  }
  return parts;
}

function corrupt(reason: string): SottoError {
  return new SottoError('STATE_CORRUPT', 'The stored ratchet state cannot be read.', {
    what: 'ratchet state',
    reason,
  });
}

class Writer {
  readonly #bytes: number[] = [];

  #integer(value: number, length: number): void {
    if (value > MOST_COUNTED) throw tooMany('counter of a ratchet state', MOST_COUNTED, value);
    for (let shift = 8 * (length - 1); shift >= 0; shift -= 8) this.#bytes.push((value >>> shift) & 0xff);
  }

  u8(value: number): void {
    this.#integer(value, 1);
  }

  u16(value: number): void {
    this.#integer(value, 2);
  }

  u32(value: number): void {
    this.#integer(value, 4);
  }

  bytes(value: Uint8Array): void {
    this.#bytes.push(...value);
  }

  finish(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }
}

function tooMany(what: string, limit: number, actual: number): SottoError {
  return new SottoError('LIMIT_EXCEEDED', `The ratchet state can't be stored: ${what}.`, {
    what,
    limit,
    actual,
  });
}

class Reader {
  readonly #input: Uint8Array;
  #at = 0;

  constructor(input: Uint8Array) {
    this.#input = input;
  }

  bytes(length: number): Uint8Array {
    if (this.#input.length - this.#at < length) throw corrupt('it ends too early');
    this.#at += length;
    return copyBytes(this.#input.subarray(this.#at - length, this.#at));
  }

  #integer(length: number): number {
    return this.bytes(length).reduce((value, byte) => value * 256 + byte, 0);
  }

  u8(): number {
    return this.#integer(1);
  }

  u16(): number {
    return this.#integer(2);
  }

  u32(): number {
    return this.#integer(4);
  }

  end(): void {
    if (this.#at !== this.#input.length) throw corrupt('bytes follow its end');
  }
}
