import { type CryptoProvider, compareBytes, SottoError } from '@sotto/core';
import {
  type Chain,
  DEFAULT_LIMITS,
  messageKeyOf,
  nextChainKey,
  type RatchetLimits,
  type SkippedKey,
  type SkippedKeyChanges,
  type SkippedKeyId,
  type SkippedRun,
} from '@sotto/double-ratchet';
import { evictSkippedKeys, hasSkippedKey, removeSkippedKey } from '@sotto/double-ratchet/keys';
import { epochName } from './epoch-keys.js';
import { checkSparseHeader, type SparseHeader } from './header.js';
import { SparseState } from './state.js';

/** Options of {@link sparseReceiveKey}. */
export interface SparseReceiveOptions {
  /** The message key kept for this message, when {@link sparseSkippedKeyFor} names one. Borrowed. */
  readonly skippedKey?: Uint8Array | undefined;
  /** Default: as in `@sotto/double-ratchet`. */
  readonly limits?: RatchetLimits | undefined;
}

/** What {@link sparseReceiveKey} returns. */
export interface SparseReceiveKey {
  /** Replaces the state once the message has authenticated, after `sparseTakePart`. */
  readonly next: SparseState;
  /** 32 bytes; secret. The caller owns it, unless it is the skipped key that was passed. */
  readonly messageKey: Uint8Array;
  /** Skipped message keys to keep and to delete in the same write. */
  readonly keys: SkippedKeyChanges;
}

/** Which stored message key, if any, a message with this header needs. */
export function sparseSkippedKeyFor(
  state: SparseState,
  { epoch, n }: Pick<SparseHeader, 'epoch' | 'n'>,
): SkippedKeyId | undefined {
  if (state.skipped.length === 0) return undefined;
  const id = { key: epochName(epoch), n };
  return hasSkippedKey(state.skipped, id) ? id : undefined;
}

/**
 * The key of a received message, and the state after it. Takes nothing of what the message carries: that is for
 * `sparseTakePart`, once the message has authenticated under the key. So nobody but the peer can cause work
 * with ML-KEM, and until then the given state is that of the session.
 *
 * @throws RATCHET_MALFORMED, RATCHET_TOO_MANY_SKIPPED before any key is derived;
 *   RATCHET_DUPLICATE when the message's key was used already or deleted; RATCHET_KEY_MISSING
 */
export function sparseReceiveKey(
  crypto: CryptoProvider,
  state: SparseState,
  header: SparseHeader,
  options: SparseReceiveOptions = {},
): SparseReceiveKey {
  const limits = options.limits ?? DEFAULT_LIMITS;
  checkSparseHeader(header);
  const skippedId = sparseSkippedKeyFor(state, header);
  if (skippedId !== undefined) {
    if (options.skippedKey === undefined) {
      throw new SottoError('RATCHET_KEY_MISSING', 'The stored key of this message was not passed.', {
        n: header.n,
      });
    }
    return {
      next: new SparseState({ ...state, skipped: removeSkippedKey(state.skipped, skippedId) }),
      messageKey: options.skippedKey,
      keys: { stored: [], deleted: [skippedId] },
    };
  }

  const turn = turned(crypto, state, header, limits);
  const skipped = skipTo(crypto, header.epoch, turn.state.receiving, header.n, limits);
  const newKeys = [...turn.keys, ...skipped.keys];
  const runs: SkippedRun[] = [...turn.runs, ...skipped.runs].map((run) => ({
    ...run,
    storedAt: state.received,
  }));
  const received = state.received + 1;
  const { kept, evicted } = evictSkippedKeys([...state.skipped, ...runs], received, limits);
  const isNew = (id: SkippedKeyId) => newKeys.some((key) => isSame(id, key));
  return {
    next: new SparseState({
      ...turn.state,
      receiving: { chainKey: nextChainKey(crypto, skipped.chain.chainKey), n: header.n + 1 },
      received,
      skipped: kept,
    }),
    messageKey: messageKeyOf(crypto, skipped.chain.chainKey),
    keys: {
      stored: newKeys.filter((key) => !evicted.some((id) => isSame(id, key))),
      deleted: evicted.filter((id) => !isNew(id)),
    },
  };
}

interface Skipped {
  readonly keys: readonly SkippedKey[];
  readonly runs: readonly Omit<SkippedRun, 'storedAt'>[];
}

/** The state in the epoch of the message. Where the peer has gone on to the next one, the chain before ends as long as it says. */
function turned(
  crypto: CryptoProvider,
  state: SparseState,
  { epoch, n, pn }: SparseHeader,
  limits: RatchetLimits,
): Skipped & { readonly state: SparseState } {
  if (epoch === state.remoteEpoch) return { state, keys: [], runs: [] };
  if (epoch < state.remoteEpoch) throw usedUp(n);
  if (epoch !== state.remoteEpoch + 1 || state.nextReceiving === undefined || pn < state.receiving.n) {
    throw new SottoError('RATCHET_MALFORMED', 'The message contradicts what was received before.', {
      reason: 'impossible epoch',
    });
  }
  checkSkip(0, n, limits);
  const { keys, runs } = skipTo(crypto, state.remoteEpoch, state.receiving, pn, limits);
  const receiving = { chainKey: state.nextReceiving, n: 0 };
  return {
    keys,
    runs,
    state: new SparseState({ ...state, remoteEpoch: epoch, receiving, nextReceiving: undefined }),
  };
}

/** Steps a chain up to message `until`, keeping the keys that are skipped. */
function skipTo(
  crypto: CryptoProvider,
  epoch: number,
  chain: Chain,
  until: number,
  limits: RatchetLimits,
): Skipped & { readonly chain: Chain } {
  checkSkip(chain.n, until, limits);
  const key = epochName(epoch);
  const keys: SkippedKey[] = [];
  let { chainKey } = chain;
  for (let n = chain.n; n < until; n++) {
    keys.push({ key, n, messageKey: messageKeyOf(crypto, chainKey) });
    chainKey = nextChainKey(crypto, chainKey);
  }
  const runs = keys.length === 0 ? [] : [{ key, first: chain.n, count: keys.length }];
  return { chain: { chainKey, n: until }, keys, runs };
}

function checkSkip(from: number, until: number, limits: RatchetLimits): void {
  if (until < from) throw usedUp(until);
  if (until - from > limits.maxSkippedPerChain) {
    throw new SottoError('RATCHET_TOO_MANY_SKIPPED', 'Too many messages are missing before this one.', {
      limit: limits.maxSkippedPerChain,
      requested: until - from,
    });
  }
}

function usedUp(n: number): SottoError {
  return new SottoError('RATCHET_DUPLICATE', 'This message was received already, or is too old.', { n });
}

function isSame(a: SkippedKeyId, b: SkippedKeyId): boolean {
  return a.n === b.n && compareBytes(a.key, b.key) === 0;
}
