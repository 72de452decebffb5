import type { OpenWebSocket, WebSocketLike } from '@sotto/whisper-transport/relay';
import type { Fetch } from '../src/index.js';

interface Request {
  readonly id: number;
  readonly method: string;
  readonly params: readonly unknown[];
}

/** Answers a request with a text, or not at all. */
export type Answer = (request: Request, socket: ScriptedSocket | undefined) => string | undefined;

export class ScriptedSocket implements WebSocketLike {
  readonly #answer: Answer;
  readonly #listeners: {
    readonly type: string;
    readonly run: (event: { readonly data: unknown }) => void;
  }[] = [];
  closed = false;

  constructor(answer: Answer) {
    this.#answer = answer;
  }

  addEventListener(type: string, run: (event: { readonly data: unknown }) => void): void {
    this.#listeners.push({ type, run });
  }

  send(text: string): void {
    const answer = this.#answer(JSON.parse(text) as Request, this);
    if (answer !== undefined) setImmediate(() => this.say(answer));
  }

  /** Says something to the client, asked or not. */
  say(text: unknown): void {
    if (!this.closed) this.emit('message', text);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    setImmediate(() => this.emit('close'));
  }

  emit(type: string, data?: unknown): void {
    for (const listener of this.#listeners) if (listener.type === type) listener.run({ data });
  }
}

/** A server that answers as told; while it is `down`, nobody gets through to it. */
export function scriptedServer(answer: Answer) {
  const server = {
    down: false,
    /** Takes connections and says nothing, not even that they are open. */
    mute: false,
    sockets: [] as ScriptedSocket[],
    tries: 0,
    webSocket: ((_url) => {
      server.tries++;
      const socket = new ScriptedSocket(answer);
      server.sockets.push(socket);
      setImmediate(() => {
        if (server.mute) return;
        if (server.down) socket.emit('error');
        else socket.emit('open');
      });
      return socket;
    }) as OpenWebSocket,
    fetch: (async (_url, { body, signal }) => {
      server.tries++;
      if (server.down) throw new TypeError('fetch failed');
      const text = answer(JSON.parse(body) as Request, undefined);
      if (text !== undefined) return new Response(text);
      return new Promise<Response>((_, reject) => {
        signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true });
      });
    }) as Fetch,
    /** The connections of all clients break. */
    cut() {
      for (const socket of server.sockets.splice(0)) {
        socket.closed = true;
        socket.emit('close');
      }
    },
  };
  return server;
}

export function result(id: number, value: unknown): string {
  return JSON.stringify({ jsonrpc: '2.0', id, result: value });
}

export function refusal(id: number, message: string, code = -32_000): string {
  return JSON.stringify({ jsonrpc: '2.0', id, error: { code, message } });
}
