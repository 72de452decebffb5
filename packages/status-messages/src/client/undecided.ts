import { isSottoError, type SottoError } from '@sotto/core';

const undecided = new WeakSet<SottoError>();

/** Marks the reason why a message is refused as one that may be gone later: it isn't acknowledged, so that its sender repeats it. */
export function forNow<E extends SottoError>(error: E): E {
  undecided.add(error);
  return error;
}

/**
 * Runs what depends on a group as we know it: who may not do something now may be permitted to by an event that has yet to arrive, and what has
 * no room now may have some later. Such errors are {@link forNow}.
 */
export async function refusingForNow<T>(run: () => Promise<T> | T): Promise<T> {
  try {
    return await run();
  } catch (error) {
    const mayPass =
      isSottoError(error) && ['NOT_FOUND', 'NOT_PERMITTED', 'LIMIT_EXCEEDED'].includes(error.code);
    throw mayPass ? forNow(error) : error;
  }
}

/** Whether an error is {@link forNow}. */
export function isForNow(error: SottoError): boolean {
  return undecided.has(error);
}
