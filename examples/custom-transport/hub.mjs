// A server that passes on what it gets to everybody else: all that a pipe needs to be.
import { once } from 'node:events';
import { WebSocket, WebSocketServer } from 'ws';

/** A topic, and an envelope of up to 1 MiB. */
const FRAME_MAX_BYTES = 4 + 2 ** 20;

export async function startHub() {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, maxPayload: FRAME_MAX_BYTES });
  server.on('connection', (from) => {
    from.on('error', () => from.terminate()); // a frame that is too large, for instance
    from.on('message', (bytes) => {
      for (const to of server.clients) if (to !== from && to.readyState === WebSocket.OPEN) to.send(bytes);
    });
  });
  await once(server, 'listening');
  return { url: `ws://127.0.0.1:${server.address().port}`, stop: () => server.close() };
}
