// A server that passes on what it gets to everybody else: all that a pipe needs to be.
import { once } from 'node:events';
import { WebSocket, WebSocketServer } from 'ws';

export async function startHub() {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, maxPayload: 2 ** 20 });
  server.on('connection', (from) => {
    from.on('message', (bytes) => {
      for (const to of server.clients) if (to !== from && to.readyState === WebSocket.OPEN) to.send(bytes);
    });
  });
  await once(server, 'listening');
  return { url: `ws://127.0.0.1:${server.address().port}`, stop: () => server.close() };
}
