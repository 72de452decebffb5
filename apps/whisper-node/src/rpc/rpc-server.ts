import type { IncomingMessage, ServerResponse } from 'node:http';
import type { WebSocket } from 'ws';
import { answer } from '../http/listener.js';
import type { Dispatcher, RpcSession } from './dispatcher.js';

/** Bytes of notifications that a client may leave untaken before he is taken for gone. */
const UNTAKEN_MOST = 16 * 1024 * 1024;
/** Calls of one WebSocket under way at once; the others wait unread. */
const CALLS_MOST = 100;

/** JSON-RPC over HTTP: one request, one answer. */
export function createHttpHandler(dispatcher: Dispatcher, maxBytes: number) {
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    // The listener has looked at whose page it is.
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
    const body = await readBody(request, maxBytes);
    if (body === undefined) {
      response.setHeader('connection', 'close');
      return answer(response, 413, 'content too large\n');
    }
    const text = await dispatcher.answer(body, { notify: undefined, subscriptions: new Map() });
    answer(response, 200, text === undefined ? '' : `${text}\n`, 'application/json');
  };
}

/** `undefined` when it is longer than allowed: then no more of it is read. */
async function readBody(request: IncomingMessage, maxBytes: number): Promise<string | undefined> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of request) {
    length += (part as Buffer).length;
    if (length > maxBytes) return undefined;
    parts.push(part as Buffer);
  }
  return Buffer.concat(parts).toString('utf8');
}

/** JSON-RPC over a WebSocket, with subscriptions that end with it. */
export function acceptSocket(dispatcher: Dispatcher, socket: WebSocket): void {
  let underWay = 0;
  const send = (text: string) => {
    if (socket.readyState !== socket.OPEN) return;
    if (socket.bufferedAmount > UNTAKEN_MOST) socket.terminate();
    else socket.send(text);
  };
  const session: RpcSession = {
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
  // A message that is too large, and the like: the socket closes by itself.
  socket.on('error', () => {});
  socket.on('close', () => dispatcher.end(session));
  socket.on('message', async (data) => {
    if (++underWay >= CALLS_MOST) socket.pause();
    const text = await dispatcher.answer(data.toString(), session);
    if (text !== undefined) send(text);
    if (socket.readyState !== socket.OPEN) dispatcher.end(session);
    if (--underWay < CALLS_MOST) socket.resume();
  });
}
