import { compareBytes, copyBytes, parseBytes, SottoError } from '@sotto/core';
import { messageKeyOf, nextChainKey } from './chain-key.js';
import { turnSending } from './encrypt.js';
import { encodeHeader, MAX_COUNTER, type RatchetHeader, type RatchetMessage } from './header.js';
import { DEFAULT_LIMITS, type RatchetLimits } from './limits.js';
import { checkBodyLength, openBody } from './message-cipher.js';
import { stepRootKey } from './root-key.js';
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

/** Options of {@link decrypt}. */
export interface DecryptOptions {
  /** The bytes that the sender passed to `encrypt`; deployed peers use none. */
  readonly associatedData?: Uint8Array | undefined;
  /** The message key kept for this message, when {@link skippedKeyFor} names one. Borrowed. */
  readonly skippedKey?: Uint8Array | undefined;
  /** Default: what deployed peers use. */
  readonly limits?: RatchetLimits | undefined;
}

/** What {@link decrypt} returns. */
export interface Decrypted {
  /** Replaces the state: store it, with the key changes, in one write, before the plaintext is used. */
  readonly next: RatchetState;
  /** Fresh; the caller owns it. */
  readonly plaintext: Uint8Array;
  /** Skipped message keys to keep and to delete in the same write. */
  readonly keys: SkippedKeyChanges;
}

const NO_BYTES = new Uint8Array(0);

/** Which stored message key, if any, {@link decrypt} needs for a message with this header. */
export function skippedKeyFor(state: RatchetState, header: RatchetHeader): SkippedKeyId | undefined {
  return hasSkippedKey(state.skipped, header) ? { key: header.key, n: header.n } : undefined;
}

/**
 * Decrypts one message; messages may arrive in any order. A failure throws and changes nothing: the given state is
 * still that of the session. Double Ratchet specification, section 3.5.
 *
 * @throws RATCHET_MALFORMED, RATCHET_TOO_MANY_SKIPPED before any key is derived;
 *   RATCHET_DUPLICATE when the message's key was used already or deleted; RATCHET_KEY_MISSING;
 *   INVALID_PUBLIC_KEY; AUTHENTICATION_FAILED; INVALID_ARGUMENT
 */
export function decrypt(
  suite: RatchetSuite,
  state: RatchetState,
  message: RatchetMessage,
  options: DecryptOptions = {},
): Decrypted {
  const { header, body } = message;
  const limits = options.limits ?? DEFAULT_LIMITS;
  checkShape(suite, message);

  const open = (messageKey: Uint8Array) =>
    openBody(suite.crypto, messageKey, body, options.associatedData ?? NO_BYTES, encodeHeader(header));

  const skippedId = skippedKeyFor(state, header);
  if (skippedId !== undefined) {
    if (options.skippedKey === undefined) {
      throw new SottoError('RATCHET_KEY_MISSING', 'The stored key of this message was not passed.', {
        n: header.n,
      });
    }
    const plaintext = open(options.skippedKey);
    return {
      next: new RatchetState({ ...state, skipped: removeSkippedKey(state.skipped, skippedId) }),
      plaintext,
      keys: { stored: [], deleted: [copyId(skippedId)] },
    };
  }

  const turned = state.remoteKey === undefined || compareBytes(state.remoteKey, header.key) !== 0;
  const step = turned ? turnReceiving(suite, state, header, limits) : { state, skipped: NOTHING_SKIPPED };
  const skipped = skipTo(suite, header.key, step.state.receiving, header.n, limits);
  const messageKey = messageKeyOf(suite.crypto, skipped.chain.chainKey);
  const plaintext = open(messageKey);

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
    plaintext,
    keys:
      evicted.length === 0
        ? { stored: newKeys, deleted: [] }
        : {
            stored: newKeys.filter((key) => !isEvicted(key)),
            deleted: evicted.filter((id) => !isNew(id)).map(copyId),
          },
  };
}

function checkShape(suite: RatchetSuite, { header, body }: RatchetMessage): void {
  const malformed = (message: string, reason: string) =>
    new SottoError('RATCHET_MALFORMED', message, { reason });
  if (parseBytes(header.key, 'ratchet key').length !== suite.publicKeyLength) {
    throw malformed(
      header.key.length === 32
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
  checkBodyLength(parseBytes(body, 'message body'));
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
): { readonly state: RatchetState; readonly skipped: Pick<Skipped, 'keys' | 'runs'> } {
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
  const current = state.sending.kind === 'inactive' ? turnSending(suite, state) : state;
  const { chain, keyPair } = current.sending as Extract<RatchetState['sending'], { kind: 'chain' }>;
  const dhOutput = suite.dh(keyPair.privateKey, header.key);
  const { rootKey, chainKey } = stepRootKey(suite.crypto, current.rootKey, dhOutput);
  return {
    state: new RatchetState({
      ...current,
      rootKey,
      sending: { kind: 'inactive', keyPair },
      previousLength: chain.n,
      remoteKey: copyBytes(header.key),
      receiving: { chainKey, n: 0 },
    }),
    skipped,
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
