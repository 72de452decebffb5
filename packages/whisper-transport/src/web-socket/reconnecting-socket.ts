import type { Clock, RandomSource } from '@sotto/core';
import { abortedError, closedError, timeoutError, unavailableError } from '../transport-errors.js';
import { type BackOff, backOffDelay } from './back-off.js';
import type { OpenWebSocket, WebSocketLike } from './web-socket-like.js';

export interface SocketSettings {
  readonly url: string;
  readonly clock: Clock;
  readonly random: RandomSource;
  /** Milliseconds that opening may take. */
  readonly openTimeout: number;
  /** What has to come through in one message. */
  readonly maxMessageBytes: number;
  readonly backOff: BackOff;
}

export interface SocketEvents {
  onMessage(data: unknown): void;
  /** The socket is lost; the next try is under way. */
  onLost(reason: string): void;
  /** The socket is open again, and the other end knows nothing of the one before. */
  onReconnected(): void;
}

/** A WebSocket that is opened again whenever it is lost, after waits that grow up to a ceiling. */
export class ReconnectingSocket {
  readonly #settings: SocketSettings;
  readonly #openSocket: OpenWebSocket;
  readonly #events: SocketEvents;
  #socket: WebSocketLike | undefined;
  #cancelRetry = () => {};
  #abandonOpening = (_reason: Error) => {};
  #failures = 0;
  /** No longer opened again. */
  #leaving = false;
  #closed = false;

  constructor(settings: SocketSettings, openSocket: OpenWebSocket, events: SocketEvents) {
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

  /** @throws CLOSED; TRANSPORT_UNAVAILABLE while it is not open, or when it is found lost */
  send(data: string | Uint8Array): void {
    const socket = this.#socket;
    if (this.#closed) throw closedError();
    if (socket === undefined) throw unavailableError('the connection is lost');
    try {
      socket.send(data as string | Uint8Array<ArrayBuffer>);
    } catch {
      this.#lose(socket, 'the connection is lost');
      throw unavailableError('the connection is lost');
    }
  }

  /** Gives the socket up, as if it had been lost: for a node that is there and does not do what it should. */
  drop(reason: string): void {
    if (this.#socket !== undefined) this.#lose(this.#socket, reason);
  }

  /** Says that the other end is in order again, so that the next loss begins with a short wait. */
  settle(): void {
    this.#failures = 0;
  }

  /**
   * Opens the socket if it is lost, once, and keeps it open no longer: for cleaning up before the end.
   * @throws TRANSPORT_UNAVAILABLE, TIMEOUT, CLOSED
   */
  async reopenForCleanup(): Promise<void> {
    this.#leaving = true;
    this.#cancelRetry();
    if (this.#socket !== undefined) return;
    this.#abandonOpening(closedError());
    await this.#openOnce();
  }

  /** Nothing is told from here on. Closing twice is fine. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#cancelRetry();
    this.#abandonOpening(closedError());
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close();
  }

  #openOnce(): Promise<void> {
    const { url, clock, openTimeout, maxMessageBytes } = this.#settings;
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(closedError());
      let socket: WebSocketLike;
      try {
        socket = this.#openSocket(url, maxMessageBytes);
        socket.binaryType = 'arraybuffer';
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
      const cancelTimer = clock.after(openTimeout, () =>
        this.#abandonOpening(timeoutError('connect', openTimeout)),
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
        if (this.#socket === socket) this.#events.onMessage(data);
      });
      socket.addEventListener('error', gone);
      socket.addEventListener('close', gone);
    });
  }

  #lose(socket: WebSocketLike, reason: string): void {
    this.#socket = undefined;
    socket.close();
    if (this.#closed) return;
    this.#events.onLost(reason);
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
}
