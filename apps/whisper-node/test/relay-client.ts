import { once } from 'node:events';
import {
  decodeRelayFrame,
  encodeClientFrame,
  type RelayFrame,
} from '@sotto/whisper-transport/relay-protocol';
import { WebSocket } from 'ws';

/** A client that says what it is told, and keeps what it hears. */
export async function relayClient(url: string, headers: Record<string, string> = {}) {
  const socket = new WebSocket(url, { headers });
  const frames: RelayFrame[] = [];
  const waiting = new Set<() => void>();
  const changed = () => {
    for (const look of [...waiting]) look();
  };
  socket.on('message', (data) => {
    frames.push(decodeRelayFrame(new Uint8Array(data as Buffer)) as RelayFrame);
    changed();
  });
  const closed = once(socket, 'close').then(([code]) => code as number);
  await once(socket, 'open');
  const next = <Kind extends RelayFrame['kind']>(kind: Kind, id?: number) =>
    new Promise<Extract<RelayFrame, { kind: Kind }>>((resolve) => {
      const look = () => {
        const found = frames.findIndex(
          (frame) => frame.kind === kind && (id === undefined || ('id' in frame && frame.id === id)),
        );
        if (found === -1) return;
        waiting.delete(look);
        resolve(frames.splice(found, 1)[0] as Extract<RelayFrame, { kind: Kind }>);
      };
      waiting.add(look);
      look();
    });
  let nextId = 1_000_000;
  const say = (frame: Parameters<typeof encodeClientFrame>[0]) => socket.send(encodeClientFrame(frame));
  return {
    socket,
    frames,
    closed,
    next,
    say,
    /** Publishes; resolves with the answer. */
    async publish(envelope: Uint8Array): Promise<RelayFrame> {
      const id = nextId++;
      say({ kind: 'publish', id, envelope });
      return Promise.race([next('done', id), next('refused', id)]);
    },
    /** All that is archived on these topics; rejects with the code when that is refused. */
    async history(topics: readonly Uint8Array[]): Promise<Uint8Array[]> {
      const got: Uint8Array[] = [];
      for (let cursor: Uint8Array = new Uint8Array(0); ; ) {
        const id = nextId++;
        say({ kind: 'history', id, from: 0, to: 2 ** 32 - 1, limit: 1_000, cursor, topics });
        const end = await Promise.race([next('page', id), next('refused', id)]);
        if (end.kind === 'refused') throw new Error(end.code);
        cursor = end.cursor;
        for (const frame of frames) {
          if (frame.kind === 'archived' && frame.id === id) got.push(frame.envelope);
        }
        if (cursor.length === 0) return got;
      }
    },
  };
}
