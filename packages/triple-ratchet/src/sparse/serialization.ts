import { SHARED_KEY_LENGTH } from '@sotto/core';
import type { Chain } from '@sotto/double-ratchet';
import type { StateReader, StateWriter } from '@sotto/double-ratchet/keys';
import {
  ALL_CHUNKS,
  CHUNK_COUNT,
  CHUNK_LENGTH,
  type ChunkedKind,
  type Collected,
  chunkLength,
  chunkOf,
  hasChunk,
  nothingCollected,
  withChunk,
} from './chunks.js';
import { type SparseExchange, SparseState } from './state.js';

/*
 * side 1 (1 initiator, 2 responder) | root key 32 | epoch 4 | sending chain key 32, n 4 | previous length 4 | remote epoch 4
 *   | receiving chain key 32, n 4 | flags 1 (1 next receiving, 2 next sending) | next receiving 32 (flag 1) | next sending 32 (flag 2)
 *   | received 4 | skipped keys | kind of the exchange 1, then
 *   1 offering, nothing drawn
 *   2 offering: seed 64, encapsulation key 1184, acknowledged 1, cursor 1
 *   3 collecting ciphertext: seed 64, hash of the key 32, chunks
 *   4 collecting key: chunks
 *   5 answering: ciphertext 1088, acknowledged 1, cursor 1
 * Chunks: the set of those that are there 1, then their bytes, in order.
 */
const SIDES = ['initiator', 'responder'] as const;
const NEXT_RECEIVING = 1;
const NEXT_SENDING = 2;
const EPOCH_NAME_LENGTH = 4;
const SEED_LENGTH = 64;
const CIPHERTEXT_LENGTH = 1088;
const ENCAPSULATION_KEY_LENGTH = CHUNK_COUNT * CHUNK_LENGTH;
const Kind = { unopened: 1, offering: 2, collectingCiphertext: 3, collectingKey: 4, answering: 5 } as const;

/** Appends the state. */
export function writeSparse(out: StateWriter, state: SparseState): void {
  const { nextReceiving, nextSending } = state;
  out.u8(SIDES.indexOf(state.side) + 1);
  out.bytes(state.rootKey);
  out.u32(state.epoch);
  writeChain(out, state.sending);
  out.u32(state.previousLength);
  out.u32(state.remoteEpoch);
  writeChain(out, state.receiving);
  out.u8((nextReceiving === undefined ? 0 : NEXT_RECEIVING) | (nextSending === undefined ? 0 : NEXT_SENDING));
  if (nextReceiving !== undefined) out.bytes(nextReceiving);
  if (nextSending !== undefined) out.bytes(nextSending);
  out.u32(state.received);
  out.skipped(state.skipped);
  writeExchange(out, state.exchange);
}

/**
 * Reads what {@link writeSparse} wrote.
 * @throws STATE_CORRUPT
 */
export function readSparse(input: StateReader): SparseState {
  const side = SIDES[input.u8() - 1];
  if (side === undefined) throw input.corrupt('unknown side');
  const rootKey = input.bytes(SHARED_KEY_LENGTH);
  const epoch = input.u32();
  const sending = readChain(input);
  const previousLength = input.u32();
  const remoteEpoch = input.u32();
  const receiving = readChain(input);
  const flags = input.u8();
  if (flags > (NEXT_RECEIVING | NEXT_SENDING)) throw input.corrupt('unknown flags');
  const nextReceiving = flags & NEXT_RECEIVING ? input.bytes(SHARED_KEY_LENGTH) : undefined;
  const nextSending = flags & NEXT_SENDING ? input.bytes(SHARED_KEY_LENGTH) : undefined;
  const received = input.u32();
  const skipped = input.skipped(EPOCH_NAME_LENGTH);
  const exchange = readExchange(input);
  const state = new SparseState({
    side,
    rootKey,
    epoch,
    exchange,
    sending,
    previousLength,
    remoteEpoch,
    receiving,
    nextReceiving,
    nextSending,
    received,
    skipped,
  });
  requirePossible(input, state);
  return state;
}

/** What of a state follows from the rest has to agree with it. */
function requirePossible(input: StateReader, state: SparseState): void {
  const { epoch, remoteEpoch, exchange, nextReceiving, nextSending, side } = state;
  const isAnswering = exchange.kind === 'answering';
  const isOffering = exchange.kind === 'offering' || exchange.kind === 'collecting ciphertext';
  // The peer's next chain is known while it is an epoch behind us, and once we have encapsulated.
  const isBehind = remoteEpoch === epoch - 1;
  const fits =
    remoteEpoch > 0 &&
    // The initiator offers in the first exchange, then they take turns.
    isOffering === ((epoch % 2 === 1) === (side === 'initiator')) &&
    (remoteEpoch === epoch ||
      (isBehind && exchange.kind === 'collecting key' && exchange.collected.have === 0)) &&
    (nextSending !== undefined) === isAnswering &&
    (nextReceiving !== undefined) === (isAnswering || isBehind);
  if (!fits) throw input.corrupt('impossible epochs');
}

function writeChain(out: StateWriter, { chainKey, n }: Chain): void {
  out.bytes(chainKey);
  out.u32(n);
}

function readChain(input: StateReader): Chain {
  return { chainKey: input.bytes(SHARED_KEY_LENGTH), n: input.u32() };
}

function writeExchange(out: StateWriter, exchange: SparseExchange): void {
  switch (exchange.kind) {
    case 'offering':
      if (exchange.pair === undefined) {
        out.u8(Kind.unopened);
        return;
      }
      out.u8(Kind.offering);
      out.bytes(exchange.pair.seed);
      out.bytes(exchange.pair.encapsulationKey);
      writeProgress(out, exchange);
      return;
    case 'collecting ciphertext':
      out.u8(Kind.collectingCiphertext);
      out.bytes(exchange.seed);
      out.bytes(exchange.keyHash);
      writeCollected(out, 'ciphertext', exchange.collected);
      return;
    case 'collecting key':
      out.u8(Kind.collectingKey);
      writeCollected(out, 'key', exchange.collected);
      return;
    case 'answering':
      out.u8(Kind.answering);
      out.bytes(exchange.ciphertext);
      writeProgress(out, exchange);
  }
}

function readExchange(input: StateReader): SparseExchange {
  switch (input.u8()) {
    case Kind.unopened:
      return { kind: 'offering', pair: undefined, acknowledged: 0, cursor: 0 };
    case Kind.offering: {
      const pair = {
        seed: input.bytes(SEED_LENGTH),
        encapsulationKey: input.bytes(ENCAPSULATION_KEY_LENGTH),
      };
      return { kind: 'offering', pair, ...readProgress(input) };
    }
    case Kind.collectingCiphertext:
      return {
        kind: 'collecting ciphertext',
        seed: input.bytes(SEED_LENGTH),
        keyHash: input.bytes(SHARED_KEY_LENGTH),
        collected: readCollected(input, 'ciphertext'),
      };
    case Kind.collectingKey:
      return { kind: 'collecting key', collected: readCollected(input, 'key') };
    case Kind.answering:
      return { kind: 'answering', ciphertext: input.bytes(CIPHERTEXT_LENGTH), ...readProgress(input) };
    default:
      throw input.corrupt('unknown exchange');
  }
}

interface Progress {
  readonly acknowledged: number;
  readonly cursor: number;
}

function writeProgress(out: StateWriter, { acknowledged, cursor }: Progress): void {
  out.u8(acknowledged);
  out.u8(cursor);
}

function readProgress(input: StateReader): Progress {
  const progress = { acknowledged: input.u8(), cursor: input.u8() };
  if (progress.cursor >= CHUNK_COUNT) throw input.corrupt('impossible chunk');
  return progress;
}

function writeCollected(out: StateWriter, kind: ChunkedKind, { have, bytes }: Collected): void {
  out.u8(have);
  for (let index = 0; index < CHUNK_COUNT; index++) {
    if (hasChunk(have, index)) out.bytes(chunkOf(kind, bytes, index));
  }
}

function readCollected(input: StateReader, kind: ChunkedKind): Collected {
  const have = input.u8();
  // A ciphertext that is complete has been opened.
  if (kind === 'ciphertext' && have === ALL_CHUNKS) throw input.corrupt('a complete ciphertext');
  let collected = nothingCollected(kind);
  for (let index = 0; index < CHUNK_COUNT; index++) {
    if (hasChunk(have, index)) {
      collected = withChunk(collected, index, input.bytes(chunkLength(kind, index)));
    }
  }
  return collected;
}
