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
  /** The socket is open again, and the node has no subscription of ours. */
  onReconnected(): void;
  /** The socket is lost; the next try is under way. */
  onLost(): void;
}

interface Called {
  readonly method: string;
  /** Runs with the result before anything else of the node is looked at. */
  readonly onResult: ((result: unknown) => void) | undefined;
}

/** JSON-RPC over a WebSocket that is opened again whenever it is lost. */
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
   * Opens the socket, once; from then on it is kept open.
   * @throws TRANSPORT_UNAVAILABLE, TIMEOUT, ABORTED, CLOSED
   */
  open(signal?: AbortSignal): Promise<void> {
    return this.#socket.open(signal);
  }

  call(method: string, params: readonly unknown[], options: CallOptions = {}): Promise<unknown> {
    return this.#call(method, params, options, undefined);
  }

  /** Subscribes by `<namespace>_subscribe`; the listener is gone when the socket is lost. */
  async subscribe(
    namespace: string,
    params: readonly unknown[],
    listener: (result: unknown) => void,
    options: CallOptions = {},
  ): Promise<unknown> {
    // Registered with the answer: a notification may be right behind it.
    return this.#call(`${namespace}_subscribe`, params, options, (id) => {
      if (typeof id === 'string') this.#listeners.set(id, listener);
    });
  }

  /** Ends a subscription. */
  async unsubscribe(namespace: string, id: string): Promise<void> {
    this.#listeners.delete(id);
    await this.call(`${namespace}_unsubscribe`, [id]);
  }

  /** Gives the socket up, as if it had been lost: for a node that is there and does not do what it should. */
  drop(reason: string): void {
    this.#socket.drop(reason);
  }

  /** Says that the node is in order again, so that the next loss begins with a short wait. */
  settle(): void {
    this.#socket.settle();
  }

  /**
   * Opens the socket if it is lost, once, and keeps it open no longer: for cleaning up before the end.
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
      // Which call it should have answered is not known, so none of them will be.
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
