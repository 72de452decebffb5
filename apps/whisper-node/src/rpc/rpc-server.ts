import type { IncomingMessage, ServerResponse } from 'node:http';
import { ByteCollector, type Clock } from '@sotto/core';
import type { WebSocket } from 'ws';
import { answer } from '../http/listener.js';
import { Quota } from '../limits/quota.js';
import type { Dispatcher, RpcSession } from './dispatcher.js';

/** Most bytes of notifications that a client may leave unread before it is disconnected. */
const UNREAD_MOST = 16 * 1024 * 1024;
/** Most pending calls of one WebSocket; further ones wait unread. */
const CALLS_MOST = 100;

/** Milliseconds between two pings of WebSocket clients. */
const HEARTBEAT_MS = 30_000;
/** Bodies of the largest size that one client, and all clients, may be sending at once: 4 and 40. */
const BODIES_PER_CLIENT = 4;
const BODIES = 40;

/** JSON-RPC over HTTP: one request, one answer. */
export function createHttpHandler(dispatcher: Dispatcher, maxBytes: number) {
  const bodies = new Bodies(maxBytes);
  return async (request: IncomingMessage, response: ServerResponse, client: string): Promise<void> => {
    // The listener has checked the origin.
    const { origin } = request.headers;
    if (origin !== undefined)
      response.setHeader('access-control-allow-origin', origin).setHeader('vary', 'origin');
    if (request.method === 'OPTIONS') {
      response.setHeader('access-control-allow-headers', 'content-type').writeHead(204).end();
      return;
    }
    if (request.method !== 'POST') return answer(response, 405, 'method not allowed\n');
    if (!/^application\/json\b/.test(request.headers['content-type'] ?? '')) {
      return answer(response, 415, 'invalid content type, only application/json is supported\n');
    }
    const body = await bodies.read(request, client);
    if (typeof body === 'number') {
      response.setHeader('connection', 'close');
      return answer(response, body, body === 413 ? 'content too large\n' : 'too much at once\n');
    }
    const session = { client, notify: undefined, subscriptions: new Map() };
    const text = await dispatcher.answer(body.text, session);
    answer(response, 200, text === undefined ? '' : `${text}\n`, 'application/json');
  };
}

/** Bodies that are being read: slow senders add up. */
class Bodies {
  readonly #maxBytes: number;
  readonly #ofClient: Quota;
  readonly #ofAll: Quota;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
    this.#ofClient = new Quota(BODIES_PER_CLIENT * maxBytes);
    this.#ofAll = new Quota(BODIES * maxBytes);
  }

  /** A status when it is too long, or there are too many: then the rest isn't read. */
  async read(request: IncomingMessage, client: string): Promise<{ readonly text: string } | 413 | 429> {
    const body = new ByteCollector();
    let length = 0;
    try {
      for await (const part of request as AsyncIterable<Buffer>) {
        if (length + part.length > this.#maxBytes) return 413;
        if (!this.#take(client, part.length)) return 429;
        length += part.length;
        body.add(part);
      }
      // As it came: a byte order mark is no JSON.
      return { text: new TextDecoder('utf-8', { ignoreBOM: true }).decode(body.take()) };
    } finally {
      this.#ofClient.give(client, length);
      this.#ofAll.give('', length);
    }
  }

  #take(client: string, bytes: number): boolean {
    if (!this.#ofAll.take('', bytes)) return false;
    if (this.#ofClient.take(client, bytes)) return true;
    this.#ofAll.give('', bytes);
    return false;
  }
}

/** JSON-RPC over a WebSocket, with subscriptions that end with it. */
export function acceptSocket(dispatcher: Dispatcher, clock: Clock, socket: WebSocket, client: string): void {
  let underWay = 0;
  const stopLooking = endWhenGone(socket, clock);
  const send = (text: string) => {
    if (socket.readyState !== socket.OPEN) return;
    if (socket.bufferedAmount > UNREAD_MOST) socket.terminate();
    else socket.send(text);
  };
  const session: RpcSession = {
    client,
    notify: (subscription, namespace, result) =>
      send(
        JSON.stringify({
          jsonrpc: '2.0',
          method: `${namespace}_subscription`,
          params: { subscription, result },
        }),
      ),
    subscriptions: new Map(),
  };
  // For example a message that is too large: the socket closes by itself.
  socket.on('error', () => {});
  socket.on('close', () => {
    stopLooking();
    dispatcher.end(session);
  });
  socket.on('message', async (data) => {
    if (++underWay >= CALLS_MOST) socket.pause();
    const text = await dispatcher.answer(data.toString(), session);
    if (text !== undefined) send(text);
    if (socket.readyState !== socket.OPEN) dispatcher.end(session);
    if (--underWay < CALLS_MOST) socket.resume();
  });
}

/** Pings a client, and disconnects one that has not answered the previous ping: nothing else shows that it is gone. */
function endWhenGone(socket: WebSocket, clock: Clock): () => void {
  let alive = true;
  socket.on('pong', () => {
    alive = true;
  });
  const look = () => {
    if (!alive) return socket.terminate();
    alive = false;
    socket.ping();
    cancel = clock.after(HEARTBEAT_MS, look);
  };
  let cancel = clock.after(HEARTBEAT_MS, look);
  return () => cancel();
}
