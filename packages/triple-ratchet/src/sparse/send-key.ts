import { isSottoError, type MlKem768Provider, SottoError, wipeBytes } from '@sotto/core';
import { MAX_COUNTER, messageKeyOf, nextChainKey } from '@sotto/double-ratchet';
import { ALL_CHUNKS, CHUNK_COUNT, type ChunkedKind, chunkOf, nextChunk, nothingCollected } from './chunks.js';
import { epochKeys } from './epoch-keys.js';
import type { SparseHeader, SparsePart } from './header.js';
import { type SparseExchange, type SparseFields, SparseState } from './state.js';

/** What {@link sparseSendKey} returns. */
export interface SparseSendKey {
  /** Replaces the state: store it before anything under the key leaves. */
  readonly next: SparseState;
  /** Goes with the message, which has to authenticate it. Fresh. */
  readonly header: SparseHeader;
  /** 32 bytes; secret. The caller owns it. */
  readonly messageKey: Uint8Array;
}

/**
 * The key of the next message to send, what the message has to carry of the exchange, and the state after it. Draws a key
 * pair with the first message of an offered exchange, and encapsulates with the first message after the peer's key has come.
 * @throws RATCHET_EXHAUSTED after 2^32 - 1 messages in one epoch
 */
export function sparseSendKey(crypto: MlKem768Provider, state: SparseState): SparseSendKey {
  const { chainKey, n } = state.sending;
  if (n > MAX_COUNTER) {
    throw new SottoError('RATCHET_EXHAUSTED', 'This epoch has no message numbers left.', {});
  }
  const { fields, part } = nextPart(prepared(crypto, state));
  return {
    next: new SparseState({ ...fields, sending: { chainKey: nextChainKey(crypto, chainKey), n: n + 1 } }),
    header: { epoch: state.epoch, n, pn: state.previousLength, part },
    messageKey: messageKeyOf(crypto, chainKey),
  };
}

/** With what has to be made before something can be sent: a pair to offer, or the answer to a key that is complete. */
function prepared(crypto: MlKem768Provider, state: SparseState): SparseFields {
  const { exchange } = state;
  if (exchange.kind === 'offering' && exchange.pair === undefined) {
    return { ...state, exchange: { ...exchange, pair: crypto.mlKem768.generateKeyPair() } };
  }
  if (exchange.kind === 'collecting key' && exchange.collected.have === ALL_CHUNKS) {
    return answered(crypto, state, exchange.collected.bytes);
  }
  return state;
}

function answered(crypto: MlKem768Provider, state: SparseState, encapsulationKey: Uint8Array): SparseFields {
  const encapsulation = encapsulate(crypto, encapsulationKey);
  if (encapsulation === undefined) {
    // Only a peer that is up to something sends such a key. It ends its own post-quantum ratchet, and nothing else.
    return { ...state, exchange: { kind: 'collecting key', collected: nothingCollected('key') } };
  }
  const { ciphertext, sharedSecret } = encapsulation;
  const keys = epochKeys(crypto, state.side, state.rootKey, {
    epoch: state.epoch,
    sharedSecret,
    keyHash: crypto.sha256(encapsulationKey),
    ciphertext,
  });
  wipeBytes(sharedSecret);
  return {
    ...state,
    rootKey: keys.rootKey,
    exchange: { kind: 'answering', ciphertext, acknowledged: 0, cursor: 0 },
    nextReceiving: keys.receiving,
    nextSending: keys.sending,
  };
}

function encapsulate(crypto: MlKem768Provider, encapsulationKey: Uint8Array) {
  try {
    return crypto.mlKem768.encapsulate(encapsulationKey);
  } catch (error) {
    if (isSottoError(error, 'INVALID_PUBLIC_KEY')) return undefined;
    throw error;
  }
}

/** What the next message carries, and the state once it does. */
function nextPart(fields: SparseFields): { readonly fields: SparseFields; readonly part: SparsePart } {
  const { exchange } = fields;
  switch (exchange.kind) {
    case 'offering':
      return withNextChunk(fields, 'key', exchange, exchange.pair?.encapsulationKey);
    case 'answering':
      return withNextChunk(fields, 'ciphertext', exchange, exchange.ciphertext);
    default:
      return { fields, part: { kind: 'have', chunks: exchange.collected.have } };
  }
}

function withNextChunk(
  fields: SparseFields,
  kind: ChunkedKind,
  exchange: Extract<SparseExchange, { readonly cursor: number }>,
  whole: Uint8Array | undefined,
): { readonly fields: SparseFields; readonly part: SparsePart } {
  const index = nextChunk(exchange.acknowledged, exchange.cursor);
  // The peer says that it has all, and doesn't go on: there is nothing to send.
  if (index === undefined || whole === undefined) return { fields, part: { kind: 'have', chunks: 0 } };
  return {
    fields: { ...fields, exchange: { ...exchange, cursor: (index + 1) % CHUNK_COUNT } },
    part: { kind, index, bytes: chunkOf(kind, whole, index) },
  };
}
