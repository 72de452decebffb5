import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { WhisperHostOptions } from './host-options.js';

/** Takes the calls of peers, if it is to listen anywhere. */
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

  /** Resolves when it listens; rejects as Node's server does when it can't. */
  async open(): Promise<void> {
    const { listen } = this.#options;
    if (listen === undefined) return;
    const server = createServer(this.#onSocket);
    this.#server = server;
    server.listen({ host: listen.host ?? '127.0.0.1', port: listen.port });
    await once(server, 'listening');
  }

  /** The one in fact; 0 when it does not listen. */
  get port(): number {
    return (this.#server?.address() as AddressInfo | null | undefined)?.port ?? 0;
  }

  /** By which others reach it. */
  get host(): string {
    const listening = this.#options.listen?.host ?? '127.0.0.1';
    const everywhere = listening === '0.0.0.0' || listening === '::';
    return this.#options.advertisedHost ?? (everywhere ? '127.0.0.1' : listening);
  }

  /** Takes no more calls from now on. Resolves when the connections that came by it have ended as well. */
  async close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server?.listening) await new Promise<void>((resolve) => server.close(() => resolve()));
  }
}
