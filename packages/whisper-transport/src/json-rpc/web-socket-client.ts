import { isSottoError } from '@sotto/core';
import { backOffDelay } from './back-off.js';
import {
  abortedError,
  type CallOptions,
  type ClientSettings,
  closedError,
  type JsonRpcClient,
  timeoutError,
  unavailableError,
} from './client.js';
import { encodeRequest, parseServerMessage, type ServerMessage } from './message.js';
import { refusalOf } from './refusal.js';

/** The part of a WebSocket that is used; the global one has it, and that of the package `ws`. */
export interface WebSocketLike {
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(type: 'open' | 'close' | 'error', listener: () => void): void;
  send(text: string): void;
  close(): void;
}

/** Opens a WebSocket; at least `maxMessageBytes` have to come through in one message, more need not. */
export type OpenWebSocket = (url: string, maxMessageBytes: number) => WebSocketLike;

export interface WebSocketEvents {
  /** The socket is open again, and the node has no subscription of ours. */
  onReconnected(): void;
  /** The socket is lost; the next try is under way. */
  onLost(): void;
}

interface PendingCall {
  readonly method: string;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
  /** Runs with the result before anything else of the node is looked at. */
  readonly onResult: ((result: unknown) => void) | undefined;
}

/** JSON-RPC over a WebSocket that is opened again whenever it is lost. */
export class JsonRpcWebSocket implements JsonRpcClient {
  readonly #settings: ClientSettings;
  readonly #openSocket: OpenWebSocket;
  readonly #events: WebSocketEvents;
  readonly #pending = new Map<number, PendingCall>();
  readonly #listeners = new Map<string, (result: unknown) => void>();
  #socket: WebSocketLike | undefined;
  #cancelRetry = () => {};
  #abandonOpening = (_reason: Error) => {};
  #failures = 0;
  #nextId = 1;
  /** No longer opened again. */
  #leaving = false;
  #closed = false;

  constructor(settings: ClientSettings, openSocket: OpenWebSocket, events: WebSocketEvents) {
    this.#settings = settings;
    this.#openSocket = openSocket;
    this.#events = events;
  }

  /**
   * Opens the socket, once; from then on it is kept open.
   * @throws TRANSPORT_UNAVAILABLE, TIMEOUT, ABORTED, CLOSED
   */
  async open(signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) throw abortedError('connect');
    const abort = () => this.#abandonOpening(abortedError('connect'));
    signal?.addEventListener('abort', abort, { once: true });
    try {
      await this.#openOnce();
    } finally {
      signal?.removeEventListener('abort', abort);
    }
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
    if (this.#socket !== undefined) this.#lose(this.#socket, reason);
  }

  /** Says that the node is in order again, so that the next loss begins with a short wait. */
  settle(): void {
    this.#failures = 0;
  }

  /**
   * Opens the socket if it is lost, once, and keeps it open no longer: for cleaning up before the end.
   * @throws TRANSPORT_UNAVAILABLE, TIMEOUT, CLOSED
   */
  async reopenForTheLastTime(): Promise<void> {
    this.#leaving = true;
    this.#cancelRetry();
    if (this.#socket !== undefined) return;
    this.#abandonOpening(closedError());
    await this.#openOnce();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#cancelRetry();
    this.#abandonOpening(closedError());
    const socket = this.#socket;
    this.#socket = undefined;
    this.#listeners.clear();
    this.#rejectPending(() => closedError());
    socket?.close();
  }

  #call(
    method: string,
    params: readonly unknown[],
    { signal, extraTime = 0 }: CallOptions,
    onResult: PendingCall['onResult'],
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const socket = this.#socket;
      if (this.#closed) return reject(closedError());
      if (signal?.aborted) return reject(abortedError(method));
      if (socket === undefined) return reject(unavailableError('the connection is lost'));
      const id = this.#nextId++;
      const limit = this.#settings.callTimeout + extraTime;
      const settle = () => {
        this.#pending.delete(id);
        cancelTimer();
        signal?.removeEventListener('abort', abort);
      };
      const fail = (error: Error) => {
        settle();
        reject(error);
      };
      const abort = () => fail(abortedError(method));
      const cancelTimer = this.#settings.clock.after(limit, () => fail(timeoutError(method, limit)));
      signal?.addEventListener('abort', abort, { once: true });
      this.#pending.set(id, {
        method,
        resolve: (result) => {
          settle();
          resolve(result);
        },
        reject: fail,
        onResult,
      });
      try {
        socket.send(encodeRequest(id, method, params));
      } catch {
        this.#lose(socket, 'the connection is lost');
      }
    });
  }

  #openOnce(): Promise<void> {
    const { url, clock, callTimeout, maxAnswerLength } = this.#settings;
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(closedError());
      let socket: WebSocketLike;
      try {
        socket = this.#openSocket(url, maxAnswerLength);
      } catch {
        return reject(unavailableError('the address is no good'));
      }
      let failed = false;
      const fail = (error: Error) => {
        failed = true;
        cancelTimer();
        this.#abandonOpening = () => {};
        reject(error);
      };
      this.#abandonOpening = (reason) => {
        fail(reason);
        socket.close();
      };
      const cancelTimer = clock.after(callTimeout, () =>
        this.#abandonOpening(timeoutError('connect', callTimeout)),
      );
      const gone = () => {
        if (this.#socket === socket) this.#lose(socket, 'the connection is lost');
        else if (!failed) fail(unavailableError('nobody answers there'));
      };
      socket.addEventListener('open', () => {
        if (failed) return socket.close();
        cancelTimer();
        this.#abandonOpening = () => {};
        this.#socket = socket;
        resolve();
      });
      socket.addEventListener('message', ({ data }) => {
        if (this.#socket === socket) this.#take(socket, data);
      });
      socket.addEventListener('error', gone);
      socket.addEventListener('close', gone);
    });
  }

  #take(socket: WebSocketLike, data: unknown): void {
    let message: ServerMessage;
    try {
      message = parseServerMessage(typeof data === 'string' ? data : '', this.#settings.maxAnswerLength);
    } catch (error) {
      // Which call it should have answered is not known, so none of them will be.
      this.#lose(socket, isSottoError(error, 'TRANSPORT_UNAVAILABLE') ? error.details.reason : 'an error');
      return;
    }
    if (message.kind === 'notification') {
      this.#listeners.get(message.subscription)?.(message.result);
      return;
    }
    // An answer that comes after its time is of no use to anybody.
    const call = this.#pending.get(message.id);
    if (call === undefined) return;
    if (message.kind === 'error') {
      call.reject(refusalOf(call.method, message.error));
      return;
    }
    call.onResult?.(message.result);
    call.resolve(message.result);
  }

  #lose(socket: WebSocketLike, reason: string): void {
    this.#socket = undefined;
    this.#listeners.clear();
    socket.close();
    this.#rejectPending(() => unavailableError(reason));
    if (this.#closed) return;
    this.#events.onLost();
    this.#retryLater();
  }

  #retryLater(): void {
    const { clock, random, backOff } = this.#settings;
    if (this.#closed || this.#leaving) return;
    this.#failures++;
    this.#cancelRetry = clock.after(backOffDelay(this.#failures, backOff, random), () => {
      this.#openOnce().then(
        () => this.#events.onReconnected(),
        () => this.#retryLater(),
      );
    });
  }

  #rejectPending(error: () => Error): void {
    for (const { reject } of [...this.#pending.values()]) reject(error());
  }
}
