import { isSottoError, onAbort } from '@sotto/core';
import { abortedError, closedError, timeoutError, unavailableError } from '@sotto/whisper-transport/internal';
import type { CallOptions, ClientSettings, JsonRpcClient } from './client.js';
import { encodeRequest, invalidAnswer, parseServerMessage } from './message.js';
import { refusalOf } from './refusal.js';

/** The part of the global `fetch` that is used. */
export type Fetch = (
  url: string,
  init: {
    readonly method: 'POST';
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
    readonly signal: AbortSignal;
  },
) => Promise<Response>;

/** JSON-RPC over HTTP: one request for each call. */
export class JsonRpcHttp implements JsonRpcClient {
  readonly #settings: ClientSettings;
  readonly #fetch: Fetch;
  readonly #inFlight = new Set<(reason: Error) => void>();
  #nextId = 1;
  #closed = false;

  constructor(settings: ClientSettings, fetch: Fetch) {
    this.#settings = settings;
    this.#fetch = fetch;
  }

  async call(method: string, params: readonly unknown[], options: CallOptions = {}): Promise<unknown> {
    const { clock, callTimeout, maxAnswerLength } = this.#settings;
    const { signal, extraTime = 0 } = options;
    if (this.#closed) throw closedError();
    if (signal?.aborted) throw abortedError(method);
    const id = this.#nextId++;
    const limit = callTimeout + extraTime;
    const controller = new AbortController();
    let stop = (_reason: Error): void => {};
    // Some implementations of fetch don't settle when the signal fires.
    const stopped = new Promise<never>((_, reject) => {
      stop = (reason) => {
        reject(reason);
        controller.abort();
      };
    });
    const cancelTimer = clock.after(limit, () => stop(timeoutError(method, limit)));
    const stopListening = onAbort(signal, () => stop(abortedError(method)));
    this.#inFlight.add(stop);
    try {
      const text = await Promise.race([
        stopped,
        this.#post(encodeRequest(id, method, params), controller.signal),
      ]);
      const answer = parseServerMessage(text, maxAnswerLength);
      if (answer.kind === 'notification' || answer.id !== id)
        throw invalidAnswer('an answer to another call');
      if (answer.kind === 'error') throw refusalOf(method, answer.error);
      return answer.result;
    } finally {
      cancelTimer();
      stopListening();
      this.#inFlight.delete(stop);
    }
  }

  close(): void {
    this.#closed = true;
    for (const stop of this.#inFlight) stop(closedError());
  }

  async #post(body: string, signal: AbortSignal): Promise<string> {
    try {
      const response = await this.#fetch(this.#settings.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
        signal,
      });
      if (!response.ok) {
        await response.body?.cancel();
        throw unavailableError(`it answers with status ${response.status}`);
      }
      return await this.#read(response);
    } catch (error) {
      if (isSottoError(error)) throw error;
      throw unavailableError('the request failed');
    }
  }

  /** Reads up to the limit, whatever length is announced. */
  async #read(response: Response): Promise<string> {
    const { maxAnswerLength } = this.#settings;
    const reader = response.body?.getReader();
    if (reader === undefined) return '';
    const decoder = new TextDecoder();
    const parts: string[] = [];
    let length = 0;
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return parts.join('') + decoder.decode();
      const part = decoder.decode(value as Uint8Array, { stream: true });
      length += part.length;
      if (length > maxAnswerLength) {
        await reader.cancel();
        throw invalidAnswer(`an answer of more than ${maxAnswerLength} characters`);
      }
      parts.push(part);
    }
  }
}
