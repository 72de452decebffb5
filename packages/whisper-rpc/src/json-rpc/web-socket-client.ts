import { isSottoError } from '@sotto/core';
import type { OpenWebSocket } from '@sotto/whisper-transport/internal';
import {
  closedError,
  PendingCalls,
  ReconnectingSocket,
  unavailableError,
} from '@sotto/whisper-transport/internal';
import type { CallOptions, ClientSettings, JsonRpcClient } from './client.js';
import { encodeRequest, parseServerMessage, type ServerMessage } from './message.js';
import { refusalOf } from './refusal.js';

export interface WebSocketEvents {
  /** A new socket is open; the node has none of our subscriptions. */
  onReconnected(): void;
  /** The connection is lost; reconnecting has begun. */
  onLost(): void;
}

interface Called {
  readonly method: string;
  /** Called with the result before the next message of the node is handled. */
  readonly onResult: ((result: unknown) => void) | undefined;
}

/** JSON-RPC over a WebSocket that reconnects by itself. */
export class JsonRpcWebSocket implements JsonRpcClient {
  readonly #settings: ClientSettings;
  readonly #socket: ReconnectingSocket;
  readonly #calls: PendingCalls<unknown, Called>;
  readonly #listeners = new Map<string, (result: unknown) => void>();
  #closed = false;

  constructor(settings: ClientSettings, openSocket: OpenWebSocket, events: WebSocketEvents) {
    const { callTimeout, maxAnswerLength } = settings;
    this.#settings = settings;
    this.#calls = new PendingCalls(settings.clock);
    this.#socket = new ReconnectingSocket(
      { ...settings, openTimeout: callTimeout, maxMessageBytes: maxAnswerLength },
      openSocket,
      {
        onMessage: (data) => this.#take(data),
        onLost: (reason) => {
          this.#listeners.clear();
          this.#calls.rejectAll(() => unavailableError(reason));
          events.onLost();
        },
        onReconnected: () => events.onReconnected(),
      },
    );
  }

  /**
   * Connects, in a single attempt; from then on the socket reconnects by itself.
   * @throws TRANSPORT_UNAVAILABLE, TIMEOUT, ABORTED, CLOSED
   */
  open(signal?: AbortSignal): Promise<void> {
    return this.#socket.open(signal);
  }

  call(method: string, params: readonly unknown[], options: CallOptions = {}): Promise<unknown> {
    return this.#call(method, params, options, undefined);
  }

  /** Subscribes with `<namespace>_subscribe`, until the connection is lost. */
  async subscribe(
    namespace: string,
    params: readonly unknown[],
    listener: (result: unknown) => void,
    options: CallOptions = {},
  ): Promise<unknown> {
    // Registered together with the answer, as a notification may follow immediately.
    return this.#call(`${namespace}_subscribe`, params, options, (id) => {
      if (typeof id === 'string') this.#listeners.set(id, listener);
    });
  }

  /** Ends a subscription. */
  async unsubscribe(namespace: string, id: string): Promise<void> {
    this.#listeners.delete(id);
    await this.call(`${namespace}_unsubscribe`, [id]);
  }

  /** Treats the connection as lost: for a node that is reachable but misbehaves. */
  drop(reason: string): void {
    this.#socket.drop(reason);
  }

  /** Resets the back-off, once the node has proven to work again. */
  settle(): void {
    this.#socket.settle();
  }

  /**
   * Connects if the connection is lost, in a single attempt, and stops reconnecting: for cleaning up before `close`.
   * @throws TRANSPORT_UNAVAILABLE, TIMEOUT, CLOSED
   */
  reopenForCleanup(): Promise<void> {
    return this.#socket.reopenForCleanup();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#listeners.clear();
    this.#calls.rejectAll(closedError);
    this.#socket.close();
  }

  #call(
    method: string,
    params: readonly unknown[],
    { signal, extraTime = 0 }: CallOptions,
    onResult: Called['onResult'],
  ): Promise<unknown> {
    return this.#calls.begin({
      what: method,
      timeout: this.#settings.callTimeout + extraTime,
      signal,
      extra: { method, onResult },
      send: (id) => this.#socket.send(encodeRequest(id, method, params)),
    });
  }

  #take(data: unknown): void {
    let message: ServerMessage;
    try {
      message = parseServerMessage(typeof data === 'string' ? data : '', this.#settings.maxAnswerLength);
    } catch (error) {
      // It may have been meant for any pending call, so all of them fail.
      this.#socket.drop(isSottoError(error, 'TRANSPORT_UNAVAILABLE') ? error.details.reason : 'an error');
      return;
    }
    if (message.kind === 'notification') {
      this.#listeners.get(message.subscription)?.(message.result);
      return;
    }
    const { id } = message;
    const call = this.#calls.extraOf(id);
    if (call === undefined) return;
    if (message.kind === 'error') {
      this.#calls.reject(id, refusalOf(call.method, message.error));
      return;
    }
    call.onResult?.(message.result);
    this.#calls.resolve(id, message.result);
  }
}
