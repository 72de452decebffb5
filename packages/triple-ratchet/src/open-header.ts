import { compareBytes } from '@sotto/core';
import type { SkippedKeyId } from '@sotto/double-ratchet';
import { skippedKeyFor } from '@sotto/double-ratchet/keys';
import { decodeTripleHeader, type TripleRatchetHeader } from './header.js';
import { currentChain } from './header-keys.js';
import { openHeader, splitMessage } from './message.js';
import type { TripleRatchetProvider } from './provider.js';
import { sparseSkippedKeyFor } from './sparse/receive-key.js';
import type { TripleRatchetState } from './state.js';

/** A message whose header a session opens. It is the session's; whether it is genuine shows only when it is decrypted. */
export interface OpenedMessage {
  /** What it says of itself. */
  readonly header: TripleRatchetHeader;
  /** Which key opened it: of the peer's current chain, of its next, or of one before. */
  readonly chain: 'current' | 'next' | 'earlier';
  /** As it came; a view. */
  readonly encryptedHeader: Uint8Array;
  /** `iv 16 || ciphertext || MAC 32`; a view. */
  readonly body: Uint8Array;
}

/**
 * Opens the header of a message, if it is one of this session: tries the keys of the peer's current chain and of its next one, and those of
 * earlier chains of which messages are missing; at most 2 and `maxEarlierHeaderKeys` times, less than 256 bytes. A caller with several sessions asks one
 * after the other.
 *
 * A message that was read already and whose chain is over isn't recognised any more: `undefined`, as for a message of another session.
 *
 * @throws RATCHET_MALFORMED when the bytes can't be a message, or the peer has encrypted nonsense; INVALID_ARGUMENT
 */
export function tryHeader(
  crypto: TripleRatchetProvider,
  state: TripleRatchetState,
  message: Uint8Array,
): OpenedMessage | undefined {
  const parts = splitMessage(message);
  const { receiving, nextReceiving, earlier } = state.headerKeys;
  const current = { chain: 'current', key: receiving } as const;
  const next = { chain: 'next', key: nextReceiving } as const;
  const candidates = [
    // Once we have sent, the peer's next message is usually an answer, on its next chain.
    ...(state.ratchet.sending.kind === 'chain' ? [next, current] : [current, next]),
    ...earlier.map(({ headerKey }) => ({ chain: 'earlier' as const, key: headerKey })),
  ];
  for (const { chain, key } of candidates) {
    const header = key && openHeader(crypto, key, parts.encryptedHeader);
    if (header !== undefined) return { header: decodeTripleHeader(header), chain, ...parts };
  }
  return undefined;
}

/** Which stored message keys `decrypt` needs for a message: of the DH ratchet, of the post-quantum one, both, or usually none. */
export function skippedKeysFor(
  state: TripleRatchetState,
  { header }: Pick<OpenedMessage, 'header'>,
): readonly SkippedKeyId[] {
  const ids = [
    skippedKeyFor(state.ratchet, header.ratchet),
    sparseSkippedKeyFor(state.sparse, header.sparse),
  ];
  return ids.filter((id) => id !== undefined);
}

/** A chain of the peer's: its header key and its ratchet key, 32 bytes each. */
export interface ReceivedChain {
  /** Secret. */
  readonly headerKey: Uint8Array;
  /** As messages name it. */
  readonly ratchetKey: Uint8Array;
}

/** The peer's chains of which messages can be read: the current one, and those before of which some are missing. */
export function receivedChains(state: TripleRatchetState): readonly ReceivedChain[] {
  return [...currentChain(state), ...state.headerKeys.earlier];
}

/**
 * The number of a message in a chain of the peer's; `undefined` when it is of another one. For callers that keep what
 * {@link receivedChains} no longer has, to tell a repetition from a message of another session. A chain is known by both keys: a peer that
 * went back to an old copy of its state uses a header key again, and not a ratchet key.
 * @throws RATCHET_MALFORMED when the bytes can't be a message, or the peer has encrypted nonsense; INVALID_ARGUMENT
 */
export function numberInChain(
  crypto: TripleRatchetProvider,
  { headerKey, ratchetKey }: ReceivedChain,
  message: Uint8Array,
): number | undefined {
  const header = openHeader(crypto, headerKey, splitMessage(message).encryptedHeader);
  if (header === undefined) return undefined;
  const { key, n } = decodeTripleHeader(header).ratchet;
  return compareBytes(key, ratchetKey) === 0 ? n : undefined;
}
