import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { WhisperHostOptions } from './host-options.js';

/** Accepts inbound connections, if a place to listen is given. */
export class PeerListener {
  readonly #options: Pick<WhisperHostOptions, 'listen' | 'advertisedHost'>;
  readonly #onSocket: (socket: Socket) => void;
  #server: Server | undefined;

  constructor(
    options: Pick<WhisperHostOptions, 'listen' | 'advertisedHost'>,
    onSocket: (socket: Socket) => void,
  ) {
    this.#options = options;
    this.#onSocket = onSocket;
  }

  /** Resolves when it listens; rejects with the error of `node:net` when it can't. */
  async open(): Promise<void> {
    const { listen } = this.#options;
    if (listen === undefined) return;
    const server = createServer(this.#onSocket);
    this.#server = server;
    server.listen({ host: listen.host ?? '127.0.0.1', port: listen.port });
    await once(server, 'listening');
  }

  /** The actual port; 0 when it doesn't listen. */
  get port(): number {
    return (this.#server?.address() as AddressInfo | null | undefined)?.port ?? 0;
  }

  /** The address by which others reach it. */
  get host(): string {
    const listening = this.#options.listen?.host ?? '127.0.0.1';
    const everywhere = listening === '0.0.0.0' || listening === '::';
    return this.#options.advertisedHost ?? (everywhere ? '127.0.0.1' : listening);
  }

  /** Accepts no more connections. Resolves when all that it accepted have ended. */
  async close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server?.listening) await new Promise<void>((resolve) => server.close(() => resolve()));
  }
}
