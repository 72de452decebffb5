import { type Clock, isSottoError, SottoError } from '@sotto/core';
import { unavailableError } from '@sotto/whisper-transport/internal';
import type { WakuResult } from './node.js';

/** Failures that would repeat themselves; by `ProtocolError` of `@waku/interfaces`. */
const REFUSALS: ReadonlySet<string> = new Set([
  'Failed to encode',
  'Payload is empty',
  'Topic not configured',
  'Topic decoder mismatch',
  'Size is too big',
]);

/**
 * Checks that enough peers have accepted.
 * @throws TRANSPORT_REFUSED when trying again is of no use; TRANSPORT_UNAVAILABLE
 */
export function checkResult({ successes, failures }: WakuResult, confirmations: number): void {
  if (successes.length >= confirmations) return;
  const reason = failures[0]?.error ?? `${successes.length} of ${confirmations} peers accepted it`;
  if (failures.some(({ error }) => REFUSALS.has(error)))
    throw new SottoError('TRANSPORT_REFUSED', `The Waku node refuses this: ${reason}.`, { reason });
  throw unavailableError(`no confirmation by a Waku node: ${reason}`);
}

/**
 * Waits for a call of a node, for a limited time.
 * @throws TRANSPORT_UNAVAILABLE when it fails or takes too long
 */
export function within<T>(clock: Clock, milliseconds: number, call: () => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(milliseconds, () =>
      reject(unavailableError(`the Waku node took more than ${milliseconds} ms`)),
    );
    Promise.resolve()
      .then(call)
      .then(
        (value) => {
          cancel();
          resolve(value);
        },
        (cause) => {
          cancel();
          reject(isSottoError(cause) ? cause : unavailableError('the Waku node failed', cause));
        },
      );
  });
}
