import { checkLimit, malformed } from '@sotto/protocol-codec/internal';
import type { StatusProfile } from './profile.js';

/** What a received message is checked against. */
export interface MessageContext {
  /** The generation whose rules apply. */
  readonly profile: StatusProfile;
  /**
   * Milliseconds since the epoch that a clock may be `maxClockAheadMs` ahead of: the time of the envelope for chat and pairing
   * messages, our own for group events and reactions.
   */
  readonly nowMs: bigint;
}

/**
 * Checks a received clock as clients of its generation do.
 * @throws MALFORMED_MESSAGE
 */
export function checkClock(what: string, clock: bigint, { profile, nowMs }: MessageContext): void {
  if (clock === 0n) throw malformed(what, 'the clock is 0');
  const { maxClockAheadMs } = profile;
  if (maxClockAheadMs !== undefined && clock > nowMs + BigInt(maxClockAheadMs))
    throw malformed(what, `the clock is more than ${maxClockAheadMs / 1000} s ahead`);
}

/**
 * Checks a received present as clients of its generation do.
 * @throws MALFORMED_MESSAGE
 */
export function checkPresent(what: string, fields: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(fields))
    if (value.trim() === '') throw malformed(what, `the ${name} is empty`);
}

/** The kinds of conversation that a message may name. Type 4, and others unknown, are only made locally. */
export const CHAT_TYPE = Object.freeze({ direct: 1, public: 2, group: 3 });

const SYSTEM_MESSAGE = 4;

/**
 * Checks a received chat type as clients of its generation do.
 * @throws MALFORMED_MESSAGE
 */
export function checkChatType(what: string, type: number): void {
  if (type === 0) throw malformed(what, 'the kind of conversation is missing');
  if (type === SYSTEM_MESSAGE) throw malformed(what, 'a kind of conversation that is only made locally');
}

/**
 * Checks a received text as clients of its generation do.
 * @throws MALFORMED_MESSAGE for a text of white space; LIMIT_EXCEEDED
 */
export function checkText(
  what: string,
  text: string,
  { maxTextCodePoints }: StatusProfile,
  mayBeEmpty = false,
): void {
  if (!mayBeEmpty && text.trim() === '') throw malformed(what, 'the text is empty');
  if (maxTextCodePoints !== undefined && text.length > maxTextCodePoints)
    checkLimit(`${what}, code points`, [...text].length, maxTextCodePoints);
}

/** Display names of 2024. Generated three-word names are refused there as well, by word lists that this package doesn't have. */
export function checkDisplayName(what: string, name: string, { checksDisplayNames }: StatusProfile): void {
  if (!checksDisplayNames || name === '') return;
  if (!/^[\w\s-]{5,24}$/.test(name))
    throw malformed(what, 'a display name has 5 to 24 letters, digits, spaces, _ or -');
  if (/[._-]eth$/i.test(name)) throw malformed(what, 'a display name must not look like an ENS name');
}
