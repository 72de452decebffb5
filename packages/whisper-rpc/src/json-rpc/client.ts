import type { Clock, RandomSource } from '@sotto/core';
import type { BackOff } from '@sotto/whisper-transport/internal';

/** Calls a Whisper node by JSON-RPC 2.0. */
export interface JsonRpcClient {
  /**
   * @throws TIMEOUT; TRANSPORT_UNAVAILABLE when the node can't be reached or its answer is invalid; TRANSPORT_REFUSED when it
   * answers with an error; CLOSED; ABORTED
   */
  call(method: string, params: readonly unknown[], options?: CallOptions): Promise<unknown>;
  /** Pending calls fail with CLOSED. Closing twice is fine. */
  close(): void;
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds added to the timeout. */
  readonly extraTime?: number | undefined;
}

export interface ClientSettings {
  readonly url: string;
  readonly clock: Clock;
  readonly random: RandomSource;
  /** Milliseconds until a call times out. */
  readonly callTimeout: number;
  /** Most characters of an answer. */
  readonly maxAnswerLength: number;
  readonly backOff: BackOff;
}
