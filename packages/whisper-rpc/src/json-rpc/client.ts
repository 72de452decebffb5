import type { Clock, RandomSource } from '@sotto/core';
import type { BackOff } from '@sotto/whisper-transport/internal';

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
