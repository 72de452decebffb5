import { once } from 'node:events';
import { createPipeCarrier } from '@sotto/whisper-transport';
import { WebSocket } from 'ws';

/** A carrier over the hub. A frame is the topic, 4 bytes, and the envelope. */
export function createHubCarrier(url) {
  return createPipeCarrier(async ({ deliver }) => {
    const socket = new WebSocket(url);
    socket.on('message', (frame) => {
      const bytes = new Uint8Array(frame); // a copy: the socket may use its buffer again
      deliver(bytes.slice(0, 4), bytes.slice(4));
    });
    await once(socket, 'open'); // an error rejects, and becomes TRANSPORT_UNAVAILABLE
    return {
      publish: (topic, envelope) =>
        new Promise((resolve, reject) => {
          const frame = new Uint8Array([...topic, ...envelope]);
          socket.send(frame, (error) => (error ? reject(error) : resolve()));
        }),
      close: () => socket.close(),
    };
  });
}
