import { compareBytes, copyBytes, parseBytes, SottoError } from '@sotto/core';
import { messageKeyOf, nextChainKey } from './chain-key.js';
import { MAX_COUNTER, type RatchetHeader } from './header.js';
import { DEFAULT_LIMITS, type RatchetLimits } from './limits.js';
import { stepRootKey } from './root-key.js';
import { turnSending } from './send-key.js';
import {
  evictSkippedKeys,
  hasSkippedKey,
  removeSkippedKey,
  type SkippedKey,
  type SkippedKeyChanges,
  type SkippedKeyId,
  type SkippedRun,
} from './skipped-keys.js';
import { type Chain, RatchetState } from './state.js';
import type { RatchetSuite } from './suite.js';

/** Options of {@link ratchetReceiveKey}. */
export interface ReceiveKeyOptions {
  /** The message key kept for this message, when {@link skippedKeyFor} names one. Borrowed. */
  readonly skippedKey?: Uint8Array | undefined;
  /** Default: what deployed peers use. */
  readonly limits?: RatchetLimits | undefined;
}

/** What {@link ratchetReceiveKey} returns. */
export interface ReceiveKey {
  /** Replaces the state once the message has authenticated under the key, and not before. */
  readonly next: RatchetState;
  /** 32 bytes; secret. The caller owns it, unless it is the skipped key that was passed. */
  readonly messageKey: Uint8Array;
  /** Skipped message keys to keep and to delete in the same write. */
  readonly keys: SkippedKeyChanges;
  /**
   * The header keys of the steps that the message made, 32 bytes each; secret. `receiving` where the peer has made a DH ratchet
   * step: the header key of its next chain. `sending` where ours had to be made before.
   */
  readonly headerKeys: {
    readonly receiving?: Uint8Array | undefined;
    readonly sending?: Uint8Array | undefined;
  };
}

/** Which stored message key, if any, a message with this header needs. */
export function skippedKeyFor(state: RatchetState, header: RatchetHeader): SkippedKeyId | undefined {
  return hasSkippedKey(state.skipped, header) ? { key: header.key, n: header.n } : undefined;
}

/**
 * The key of a received message, and the state after it, without opening anything: what protocols of their own, such as header
 * encryption or a second ratchet beside this one, are built from. Double Ratchet specification, revision 4, `RatchetReceiveKey`.
 *
 * The key is what the header says. Nothing is known to be genuine before the message has authenticated under it: until
 * then the given state is that of the session.
 *
 * @throws RATCHET_MALFORMED, RATCHET_TOO_MANY_SKIPPED before any key is derived;
 *   RATCHET_DUPLICATE when the message's key was used already or deleted; RATCHET_KEY_MISSING;
 *   INVALID_PUBLIC_KEY; INVALID_ARGUMENT
 */
export function ratchetReceiveKey(
  suite: RatchetSuite,
  state: RatchetState,
  header: RatchetHeader,
  options: ReceiveKeyOptions = {},
): ReceiveKey {
  const limits = options.limits ?? DEFAULT_LIMITS;
  checkHeader(suite, header);

  const skippedId = skippedKeyFor(state, header);
  if (skippedId !== undefined) {
    if (options.skippedKey === undefined) {
      throw new SottoError('RATCHET_KEY_MISSING', 'The stored key of this message was not passed.', {
        n: header.n,
      });
    }
    return {
      next: new RatchetState({ ...state, skipped: removeSkippedKey(state.skipped, skippedId) }),
      messageKey: options.skippedKey,
      keys: { stored: [], deleted: [copyId(skippedId)] },
      headerKeys: {},
    };
  }

  const turned = state.remoteKey === undefined || compareBytes(state.remoteKey, header.key) !== 0;
  const step = turned
    ? turnReceiving(suite, state, header, limits)
    : { state, skipped: NOTHING_SKIPPED, headerKeys: {} };
  const skipped = skipTo(suite, header.key, step.state.receiving, header.n, limits);

  const newKeys = [...step.skipped.keys, ...skipped.keys];
  const runs = [...step.skipped.runs, ...skipped.runs].map((run) => ({ ...run, storedAt: state.received }));
  const received = state.received + 1;
  const { kept, evicted } = evictSkippedKeys([...state.skipped, ...runs], received, limits);
  const isEvicted = (key: SkippedKeyId) => evicted.some((id) => sameId(id, key));
  const isNew = (id: SkippedKeyId) => newKeys.some((key) => sameId(id, key));
  return {
    next: new RatchetState({
      ...step.state,
      receiving: { chainKey: nextChainKey(suite.crypto, skipped.chain.chainKey), n: header.n + 1 },
      received,
      skipped: kept,
    }),
    messageKey: messageKeyOf(suite.crypto, skipped.chain.chainKey),
    keys:
      evicted.length === 0
        ? { stored: newKeys, deleted: [] }
        : {
            stored: newKeys.filter((key) => !isEvicted(key)),
            deleted: evicted.filter((id) => !isNew(id)).map(copyId),
          },
    headerKeys: step.headerKeys,
  };
}

function checkHeader(suite: RatchetSuite, header: RatchetHeader): void {
  const malformed = (message: string, reason: string) =>
    new SottoError('RATCHET_MALFORMED', message, { reason });
  if (parseBytes(header.key, 'ratchet key').length !== suite.publicKeyLength) {
    throw malformed(
      suite.name === 'secp256k1' && header.key.length === 32
        ? 'The ratchet key has 32 bytes: the sender runs a release from before October 2019, which is not supported.'
        : `The ratchet key must have ${suite.publicKeyLength} bytes.`,
      `ratchet key of ${header.key.length} bytes`,
    );
  }
  for (const counter of [header.n, header.pn]) {
    if (!Number.isInteger(counter) || counter < 0 || counter > MAX_COUNTER) {
      throw malformed('A message number is out of range.', 'message number out of range');
    }
  }
}

interface Skipped {
  /** The chain, stepped to the wanted message. */
  readonly chain: Chain;
  readonly keys: readonly SkippedKey[];
  readonly runs: readonly Omit<SkippedRun, 'storedAt'>[];
}

const NOTHING_SKIPPED: Pick<Skipped, 'keys' | 'runs'> = { keys: [], runs: [] };

/** The receiving half of a DH ratchet step; the sending half is deferred until something is sent. */
function turnReceiving(
  suite: RatchetSuite,
  state: RatchetState,
  header: RatchetHeader,
  limits: RatchetLimits,
): {
  readonly state: RatchetState;
  readonly skipped: Pick<Skipped, 'keys' | 'runs'>;
  readonly headerKeys: ReceiveKey['headerKeys'];
} {
  // Checked before the Diffie-Hellman, which is the expensive part.
  checkSkip(0, header.n, limits);
  if (header.pn < state.receiving.n || (state.remoteKey === undefined && header.pn > 0)) {
    throw new SottoError('RATCHET_MALFORMED', 'The message contradicts what was received before.', {
      reason: 'impossible length of the previous chain',
    });
  }
  const skipped =
    state.remoteKey === undefined
      ? NOTHING_SKIPPED
      : skipTo(suite, state.remoteKey, state.receiving, header.pn, limits);
  // The peer can only ratchet against a key that we have sent; an inactive side steps now, so that nothing else authenticates.
  const turn = state.sending.kind === 'inactive' ? turnSending(suite, state) : undefined;
  const current = turn?.state ?? state;
  const { chain, keyPair } = current.sending as Extract<RatchetState['sending'], { kind: 'chain' }>;
  const remoteKey = copyBytes(header.key);
  const dhOutput = suite.dh(keyPair.privateKey, remoteKey);
  const { rootKey, chainKey, headerKey } = stepRootKey(suite.crypto, current.rootKey, dhOutput);
  return {
    state: new RatchetState({
      ...current,
      rootKey,
      sending: { kind: 'inactive', keyPair },
      previousLength: chain.n,
      remoteKey,
      receiving: { chainKey, n: 0 },
    }),
    skipped,
    headerKeys: { receiving: headerKey, sending: turn?.headerKey },
  };
}

/** Steps a receiving chain up to message `until`, keeping the keys that are skipped. */
function skipTo(
  suite: RatchetSuite,
  key: Uint8Array,
  chain: Chain,
  until: number,
  limits: RatchetLimits,
): Skipped {
  checkSkip(chain.n, until, limits);
  const ownKey = copyBytes(key);
  const keys: SkippedKey[] = [];
  let { chainKey } = chain;
  for (let n = chain.n; n < until; n++) {
    keys.push({ key: ownKey, n, messageKey: messageKeyOf(suite.crypto, chainKey) });
    chainKey = nextChainKey(suite.crypto, chainKey);
  }
  const runs = keys.length === 0 ? [] : [{ key: ownKey, first: chain.n, count: keys.length }];
  return { chain: { chainKey, n: until }, keys, runs };
}

function checkSkip(from: number, until: number, limits: RatchetLimits): void {
  if (until < from) {
    throw new SottoError('RATCHET_DUPLICATE', 'This message was received already, or is too old.', {
      n: until,
    });
  }
  if (until - from > limits.maxSkippedPerChain) {
    throw new SottoError('RATCHET_TOO_MANY_SKIPPED', 'Too many messages are missing before this one.', {
      limit: limits.maxSkippedPerChain,
      requested: until - from,
    });
  }
}

function sameId(a: SkippedKeyId, b: SkippedKeyId): boolean {
  return a.n === b.n && compareBytes(a.key, b.key) === 0;
}

function copyId({ key, n }: SkippedKeyId): SkippedKeyId {
  return { key: copyBytes(key), n };
}
