import { type Clock, onAbort, type RandomSource } from '@sotto/core';
import { abortedError, closedError, timeoutError, unavailableError } from '../support/transport-errors.js';
import { type BackOff, backOffDelay } from './back-off.js';
import type { OpenWebSocket, WebSocketLike } from './web-socket-like.js';

/** Settings of a {@link ReconnectingSocket}. */
export interface SocketSettings {
  /** `ws:` or `wss:`. */
  readonly url: string;
  /** Times the waits and the opening. */
  readonly clock: Clock;
  /** Randomises the waits. */
  readonly random: RandomSource;
  /** Milliseconds that opening may take. */
  readonly openTimeout: number;
  /** The size of the largest message that has to arrive. */
  readonly maxMessageBytes: number;
  /** Waits between attempts to reconnect. */
  readonly backOff: BackOff;
}

/** What a {@link ReconnectingSocket} reports. */
export interface SocketEvents {
  /** A message arrived: a string, or an `ArrayBuffer`. */
  onMessage(data: unknown): void;
  /** The connection is lost; reconnecting has begun. */
  onLost(reason: string): void;
  /** A new socket is open; the other side knows nothing of the previous one. */
  onReconnected(): void;
}

/** A WebSocket that reconnects whenever the connection is lost, with exponential back-off. */
export class ReconnectingSocket {
  readonly #settings: SocketSettings;
  readonly #openSocket: OpenWebSocket;
  readonly #events: SocketEvents;
  #socket: WebSocketLike | undefined;
  #cancelRetry = () => {};
  #abandonOpening = (_reason: Error) => {};
  #failures = 0;
  /** Set once it must not reconnect any more. */
  #leaving = false;
  #closed = false;

  constructor(settings: SocketSettings, openSocket: OpenWebSocket, events: SocketEvents) {
    this.#settings = settings;
    this.#openSocket = openSocket;
    this.#events = events;
  }

  /**
   * Connects, in a single attempt; from then on the socket reconnects by itself.
   * @throws TRANSPORT_UNAVAILABLE, TIMEOUT, ABORTED, CLOSED
   */
  async open(signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) throw abortedError('connect');
    const stopListening = onAbort(signal, () => this.#abandonOpening(abortedError('connect')));
    try {
      await this.#openOnce();
    } finally {
      stopListening();
    }
  }

  /** Sends a message. @throws CLOSED; TRANSPORT_UNAVAILABLE while the connection is lost */
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

  /** Treats the connection as lost: for a peer that is reachable but misbehaves. */
  drop(reason: string): void {
    if (this.#socket !== undefined) this.#lose(this.#socket, reason);
  }

  /** Resets the back-off, once the other side has proven to work again. */
  settle(): void {
    this.#failures = 0;
  }

  /**
   * Connects if the connection is lost, in a single attempt, and stops reconnecting: for cleaning up before `close`.
   * @throws TRANSPORT_UNAVAILABLE, TIMEOUT, CLOSED
   */
  async reopenForCleanup(): Promise<void> {
    this.#leaving = true;
    this.#cancelRetry();
    if (this.#socket !== undefined) return;
    this.#abandonOpening(closedError());
    await this.#openOnce();
  }

  /** No event is emitted from here on. Closing twice is fine. */
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
        return reject(unavailableError('the address cannot be used'));
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
        else if (!failed) fail(unavailableError('nothing answers at this address'));
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
    this.#scheduleRetry();
  }

  #scheduleRetry(): void {
    const { clock, random, backOff } = this.#settings;
    if (this.#closed || this.#leaving) return;
    this.#failures++;
    this.#cancelRetry = clock.after(backOffDelay(this.#failures, backOff, random), () => {
      this.#openOnce().then(
        () => this.#events.onReconnected(),
        () => this.#scheduleRetry(),
      );
    });
  }
}
