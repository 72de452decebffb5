import { encodeHex } from '@sotto/core';
import { decodeEnvelope, ENVELOPE_MAX_BYTES } from '@sotto/whisper-transport';
import { decodeClientFrame, encodeRelayFrame, RELAY_VERSION } from '@sotto/whisper-transport/relay-protocol';
import { type WebSocket, WebSocketServer } from 'ws';

/** A relay in a few lines, for pages to meet: keeps every envelope, and gives them to who listens. */
export interface Relay {
  readonly url: string;
  close(): Promise<void>;
}

export async function startRelay(port = 0): Promise<Relay> {
  const server = new WebSocketServer({ host: '127.0.0.1', port });
  await new Promise<void>((resolve) => server.once('listening', resolve));
  const topics = new Map<WebSocket, Set<string>>();
  const archive: Uint8Array[] = [];
  server.on('connection', (socket) => {
    topics.set(socket, new Set());
    const say = (frame: Parameters<typeof encodeRelayFrame>[0], to = socket) =>
      to.send(encodeRelayFrame(frame));
    say({
      kind: 'welcome',
      version: RELAY_VERSION,
      history: true,
      minimumPow: 0.002,
      maxEnvelopeBytes: ENVELOPE_MAX_BYTES,
      maxTopics: 10_000,
    });
    socket.on('close', () => topics.delete(socket));
    socket.on('message', (data: Buffer) => {
      const frame = decodeClientFrame(data);
      const { id } = frame;
      switch (frame.kind) {
        case 'publish': {
          const { topic } = decodeEnvelope(frame.envelope);
          archive.push(frame.envelope);
          say({ kind: 'done', id });
          for (const [other, wanted] of topics) {
            if (wanted.has(encodeHex(topic)))
              say({ kind: 'envelope', topic, envelope: frame.envelope }, other);
          }
          return;
        }
        case 'subscribe':
          topics.set(socket, new Set(frame.topics.map(encodeHex)));
          return say({ kind: 'done', id });
        case 'history': {
          const wanted = new Set(frame.topics.map(encodeHex));
          for (const envelope of archive) {
            const { topic } = decodeEnvelope(envelope);
            if (wanted.has(encodeHex(topic))) say({ kind: 'archived', id, topic, envelope });
          }
          return say({ kind: 'page', id, cursor: new Uint8Array(0) });
        }
        case 'ping':
          return say({ kind: 'done', id });
      }
    });
  });
  return {
    url: `ws://127.0.0.1:${(server.address() as { port: number }).port}`,
    close: () =>
      new Promise((resolve) => {
        for (const socket of server.clients) socket.terminate();
        server.close(() => resolve());
      }),
  };
}
