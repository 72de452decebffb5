import { type Clock, type RandomSource, SottoError } from '@sotto/core';
import type { BackOff } from './back-off.js';

/** Calls to a node by JSON-RPC 2.0. */
export interface JsonRpcClient {
  /**
   * @throws TIMEOUT; TRANSPORT_UNAVAILABLE when the node can't be reached or understood; TRANSPORT_REFUSED when it
   * answers with an error; CLOSED; ABORTED
   */
  call(method: string, params: readonly unknown[], options?: CallOptions): Promise<unknown>;
  /** Calls under way fail with CLOSED. Closing twice is fine. */
  close(): void;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
  /** Milliseconds that the answer may take beyond what other calls may. */
  readonly extraTime?: number;
}

export interface ClientSettings {
  readonly url: string;
  readonly clock: Clock;
  readonly random: RandomSource;
  /** Milliseconds that an answer may take. */
  readonly callTimeout: number;
  /** Characters that an answer may have. */
  readonly maxAnswerLength: number;
  readonly backOff: BackOff;
}

export function closedError(): SottoError<'CLOSED'> {
  return new SottoError('CLOSED', 'The connection was closed.', { what: 'connection' });
}

export function abortedError(what: string): SottoError<'ABORTED'> {
  return new SottoError('ABORTED', 'The caller gave up.', { what });
}

export function timeoutError(what: string, milliseconds: number): SottoError<'TIMEOUT'> {
  return new SottoError('TIMEOUT', `No answer to ${what} within ${milliseconds} ms.`, { what, milliseconds });
}

export function unavailableError(reason: string): SottoError<'TRANSPORT_UNAVAILABLE'> {
  return new SottoError('TRANSPORT_UNAVAILABLE', `The node cannot be reached: ${reason}.`, { reason });
}
