import { type MlKem768Provider, wipeBytes } from '@sotto/core';
import { ALL_CHUNKS, type Collected, nothingCollected, withChunk } from './chunks.js';
import { epochKeys } from './epoch-keys.js';
import type { SparseHeader, SparsePart } from './header.js';
import { type SparseExchange, type SparseFields, SparseState } from './state.js';

/**
 * The state with what a message carries of the exchange, after the message has authenticated: what `sparseReceiveKey` returned as
 * `next` goes in. Parts of exchanges that are over, or that make no sense, change nothing: a peer that sends them
 * only keeps its own exchange from going on.
 */
export function sparseTakePart(
  crypto: MlKem768Provider,
  state: SparseState,
  header: SparseHeader,
): SparseState {
  const fields = confirmed(state, header.epoch);
  if (header.epoch !== fields.epoch) return state;
  const { exchange } = fields;
  const taken = take(crypto, exchange, header.part);
  if (taken.kind === 'collecting ciphertext' && taken.collected.have === ALL_CHUNKS) {
    return new SparseState(advanced(crypto, fields, taken));
  }
  return taken === state.exchange ? state : new SparseState({ ...fields, exchange: taken });
}

/** Where the peer's epoch shows that it has the whole ciphertext: in the next epoch, in which the key is ours to offer. */
function confirmed(state: SparseState, epoch: number): SparseFields {
  // It is known while we are answering.
  if (epoch !== state.epoch + 1 || state.nextSending === undefined) return state;
  return {
    ...state,
    epoch,
    exchange: { kind: 'offering', pair: undefined, acknowledged: 0, cursor: 0 },
    previousLength: state.sending.n,
    sending: { chainKey: state.nextSending, n: 0 },
    nextSending: undefined,
  };
}

function take(crypto: MlKem768Provider, exchange: SparseExchange, part: SparsePart): SparseExchange {
  switch (exchange.kind) {
    case 'offering':
      if (exchange.pair === undefined) return exchange;
      if (part.kind === 'ciphertext') {
        return {
          kind: 'collecting ciphertext',
          seed: exchange.pair.seed,
          keyHash: crypto.sha256(exchange.pair.encapsulationKey),
          collected: withPart(nothingCollected('ciphertext'), part),
        };
      }
      return acknowledged(exchange, part);
    case 'answering':
      return acknowledged(exchange, part);
    case 'collecting key':
      return part.kind === 'key' ? collecting(exchange, part) : exchange;
    case 'collecting ciphertext':
      return part.kind === 'ciphertext' ? collecting(exchange, part) : exchange;
  }
}

type Chunk = Exclude<SparsePart, { readonly kind: 'have' }>;

function withPart(collected: Collected, { index, bytes }: Chunk): Collected {
  return withChunk(collected, index, bytes);
}

function collecting<Exchange extends Extract<SparseExchange, { readonly collected: Collected }>>(
  exchange: Exchange,
  part: Chunk,
): Exchange {
  const collected = withPart(exchange.collected, part);
  return collected === exchange.collected ? exchange : { ...exchange, collected };
}

/** Messages come in any order, so what the peer once had it has. */
function acknowledged<Exchange extends Extract<SparseExchange, { readonly acknowledged: number }>>(
  exchange: Exchange,
  part: SparsePart,
): Exchange {
  if (part.kind !== 'have') return exchange;
  const union = exchange.acknowledged | part.chunks;
  return union === exchange.acknowledged ? exchange : { ...exchange, acknowledged: union };
}

/** In the next epoch: the peer encapsulated the secret, so it knows it, and what we send from now on is under it. */
function advanced(
  crypto: MlKem768Provider,
  fields: SparseFields,
  { seed, keyHash, collected }: Extract<SparseExchange, { readonly kind: 'collecting ciphertext' }>,
): SparseFields {
  const ciphertext = collected.bytes;
  const sharedSecret = crypto.mlKem768.decapsulate(seed, ciphertext);
  const { epoch } = fields;
  const keys = epochKeys(crypto, fields.side, fields.rootKey, { epoch, sharedSecret, keyHash, ciphertext });
  wipeBytes(sharedSecret);
  return {
    ...fields,
    rootKey: keys.rootKey,
    epoch: epoch + 1,
    exchange: { kind: 'collecting key', collected: nothingCollected('key') },
    previousLength: fields.sending.n,
    sending: { chainKey: keys.sending, n: 0 },
    nextReceiving: keys.receiving,
  };
}
