import {
  type Clock,
  decodeBase64,
  decodeUtf8,
  encodeBase64,
  encodeUtf8,
  invalidArgument,
  isSottoError,
  parseObject,
  SottoError,
  type Store,
  systemClock,
  type Write,
} from '@sotto/core';
import { MAX_LINK_MS } from './limits.js';
import { deleteUnder } from './pieces.js';

export const STATE_KEY = 'app/link/state';

/** The state that is kept; `undefined` when there is none. @throws STATE_CORRUPT */
export async function readState<T extends object>(store: Store): Promise<T | undefined> {
  const record = await store.get(STATE_KEY);
  if (record === undefined) return undefined;
  try {
    const state: unknown = JSON.parse(decodeUtf8(record.value));
    if (typeof state === 'object' && state !== null) return state as T;
    throw new TypeError('not an object');
  } catch (cause) {
    const details = { what: 'link', reason: 'not an object in JSON' };
    throw new SottoError('STATE_CORRUPT', 'The stored state of the link is damaged.', details, { cause });
  }
}

/** The write that keeps a state: texts and numbers; bytes are base64. */
export function stateWrite(state: object): Write {
  return { type: 'put', key: STATE_KEY, value: encodeUtf8(JSON.stringify(state)) };
}

/** A state ends, unless it goes on before. */
interface Ending {
  /** Milliseconds since the epoch. */
  readonly until: number;
}

/** Whether the time of a state is over, or was set by a clock that was far ahead. */
export function isPast({ until }: Ending, now: number): boolean {
  return !(now < until && until <= now + MAX_LINK_MS);
}

/** An option in milliseconds. @throws INVALID_ARGUMENT */
export function durationOf(milliseconds: number, what: string): number {
  if (!(milliseconds > 0 && milliseconds <= MAX_LINK_MS))
    throw invalidArgument(what, `not from 1 to ${MAX_LINK_MS} milliseconds`);
  return milliseconds;
}

/**
 * Looks after the store of a link when an application starts: what is over, or damaged, is deleted with all that the store holds. On
 * the old device that is a sealed copy of the account and what opens it.
 * @param linkStore as given to `receiveAccount` or `handOverAccount`, neither of which is running. Borrowed
 * @returns whether a link is unfinished there, or its result still kept: the same call goes on with it, or returns that again
 * @throws STORE codes
 */
export async function cleanUpLinkStore(
  linkStore: Store,
  { clock = systemClock }: { readonly clock?: Clock | undefined } = {},
): Promise<boolean> {
  parseObject(linkStore, 'linkStore', 'get', 'commit');
  try {
    const state = await readState<Ending>(linkStore);
    if (state !== undefined && !isPast(state, clock.now())) return true;
  } catch (error) {
    if (!isSottoError(error, 'STATE_CORRUPT')) throw error;
  }
  await deleteUnder(linkStore, '');
  return false;
}

export { decodeBase64 as bytesOf, encodeBase64 as textOf };
