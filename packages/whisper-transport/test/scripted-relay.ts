import type { WebSocketLike } from '../src/relay.js';
import {
  type ClientFrame,
  decodeClientFrame,
  encodeRelayFrame,
  type RelayFrame,
} from '../src/relay-protocol.js';

type Event = 'message' | 'open' | 'close' | 'error';

/** The client's end of a connection to a relay that does as told. */
export class RelaySocket implements WebSocketLike {
  binaryType = 'blob';
  closed = false;
  readonly heard: ClientFrame[] = [];
  readonly #answer: (frame: ClientFrame, socket: RelaySocket) => void;
  readonly #listeners: { readonly type: Event; readonly run: (event: { readonly data: unknown }) => void }[] =
    [];

  constructor(answer: (frame: ClientFrame, socket: RelaySocket) => void) {
    this.#answer = answer;
  }

  addEventListener(type: Event, run: (event: { readonly data: unknown }) => void): void {
    this.#listeners.push({ type, run });
  }

  send(data: string | Uint8Array): void {
    if (typeof data === 'string') throw new Error('the relay protocol has no texts');
    const frame = decodeClientFrame(data);
    this.heard.push(frame);
    setImmediate(() => this.#answer(frame, this));
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    setImmediate(() => this.emit('close'));
  }

  say(frame: RelayFrame): void {
    this.sayRaw(encodeRelayFrame(frame));
  }

  sayRaw(data: Uint8Array | string): void {
    if (this.closed) return;
    this.emit('message', typeof data === 'string' ? data : data.slice().buffer);
  }

  emit(type: Event, data?: unknown): void {
    for (const listener of this.#listeners) if (listener.type === type) listener.run({ data });
  }
}

export const WELCOME = {
  kind: 'welcome',
  version: 1,
  history: true,
  minimumPow: 0.002,
  maxEnvelopeBytes: 2 ** 20,
  maxTopics: 2_000,
} as const;

/** A relay that answers as told; without being told, `done` to everything. */
export function scriptedRelay() {
  const relay = {
    /** Nobody gets through. */
    down: false,
    /** What it says first. */
    welcome: WELCOME as RelayFrame | undefined,
    tries: 0,
    sockets: [] as RelaySocket[],
    answer: (frame: ClientFrame, socket: RelaySocket): void => socket.say({ kind: 'done', id: frame.id }),
    webSocket: (_url: string): WebSocketLike => {
      relay.tries++;
      const socket = new RelaySocket((frame, from) => relay.answer(frame, from));
      relay.sockets.push(socket);
      setImmediate(() => {
        if (relay.down) return socket.emit('error');
        socket.emit('open');
        // Right behind it, as it comes over the wire.
        if (relay.welcome !== undefined) socket.say(relay.welcome);
      });
      return socket;
    },
    get last(): RelaySocket {
      return relay.sockets.at(-1) as RelaySocket;
    },
    /** What clients have said over all connections, by kind. */
    heard<Kind extends ClientFrame['kind']>(kind: Kind): Extract<ClientFrame, { kind: Kind }>[] {
      const all = relay.sockets.flatMap(({ heard }) => heard);
      return all.filter((frame): frame is Extract<ClientFrame, { kind: Kind }> => frame.kind === kind);
    },
    /** All connections break. */
    cut() {
      for (const socket of relay.sockets) {
        if (socket.closed) continue;
        socket.closed = true;
        socket.emit('close');
      }
    },
  };
  return relay;
}
