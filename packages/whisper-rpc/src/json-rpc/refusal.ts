import { isSottoError, SottoError } from '@sotto/core';
import type { NodeError } from './message.js';

const METHOD_NOT_FOUND = -32_601;
const REASON_MAX_LENGTH = 200;

const ADVICE: readonly (readonly [RegExp, string])[] = [
  [/pow too low/i, 'Raise powTarget to what the node asks for (`minPow` of its shh_info).'],
  [/failed to reach the pow target/i, 'Raise powTime, or lower powTarget or ttl.'],
  [/oversized|too (large|big)/i, 'Send smaller messages.'],
];

/** The error for a call that the node has refused, with what to do about it. */
export function refusalOf(method: string, { code, message }: NodeError): SottoError<'TRANSPORT_REFUSED'> {
  // The node's words may contain keys, which don't belong in logs.
  const reason = message.slice(0, REASON_MAX_LENGTH).replaceAll(/[0-9a-f]{16,}/gi, '(hex)');
  const advice =
    code === METHOD_NOT_FOUND
      ? 'Start the node with Whisper and with its API open here, as in `geth --shh --ws --ws.api shh`.'
      : ADVICE.find(([pattern]) => pattern.test(message))?.[1];
  const said = `The node refused ${method}: ${reason}.`;
  return new SottoError('TRANSPORT_REFUSED', advice === undefined ? said : `${said} ${advice}`, { reason });
}

/** Whether the node refused because it does not have a key or filter of ours, for example after a restart. */
export function isForgotten(error: unknown): boolean {
  return (
    isSottoError(error, 'TRANSPORT_REFUSED') &&
    /not found|non-existent key id|invalid id/i.test(error.details.reason)
  );
}
