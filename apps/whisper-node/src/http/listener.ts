import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { type AccessRules, refusalOf } from './access.js';
import type { Address } from './address.js';
import type { TrustedProxies } from './client-address.js';
import { Clients } from './clients.js';

export interface ListenerOptions {
  readonly address: Address;
  readonly access: AccessRules;
  /** Most connections, of HTTP and WebSocket together. */
  readonly maxConnections: number;
  /** Most connections of one client, by its address. Default: as many as in all. */
  readonly maxConnectionsPerAddress?: number;
  /** Proxies whose statement of a client's address is trusted. Default: none. */
  readonly proxies?: TrustedProxies;
  /** Most bytes of one WebSocket message. */
  readonly maxMessageBytes: number;
  /**
   * A rejection ends the request: the client has gone, or there is a bug.
   * @param client the name of its address, see `addressName`
   */
  onRequest(request: IncomingMessage, response: ServerResponse, client: string): void | Promise<void>;
  /** Accepts a WebSocket. Without it, none are accepted. */
  onSocket?(socket: WebSocket, client: string): void;
}

/** Timeouts for the head of a request, and for a whole request, in milliseconds. */
const HEAD_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
/** Milliseconds between two checks of these timeouts, also for connections that never send anything. */
const TIMEOUT_CHECK_MS = 2_000;
/**
 * Milliseconds until an idle HTTP connection is closed: longer than any answer takes.
 * WebSockets have heartbeats instead.
 */
const IDLE_MS = 120_000;

/** Frames of one WebSocket message: clients send one, or some for a large message. Each takes more memory than it may hold. */
const MAX_FRAGMENTS = 1_024;
/** Pieces in which a frame arrives, for the same reason: those of 64 bytes for a message of 1 MiB. */
const MAX_CHUNKS = 16_384;

const TOO_MANY = 'too many connections from this address';

/** A server for HTTP and WebSocket on one port. */
export class Listener {
  readonly #server: Server;
  readonly #sockets: WebSocketServer | undefined;

  private constructor(server: Server, sockets: WebSocketServer | undefined) {
    this.#server = server;
    this.#sockets = sockets;
  }

  /** Rejects when the address can't be listened on. */
  static async open(options: ListenerOptions): Promise<Listener> {
    const { address, access, maxConnections, proxies, maxMessageBytes, onRequest, onSocket } = options;
    const server = createServer({
      headersTimeout: HEAD_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      connectionsCheckingInterval: TIMEOUT_CHECK_MS,
    });
    server.timeout = IDLE_MS;
    server.maxConnections = maxConnections;
    const clients = new Clients(options.maxConnectionsPerAddress ?? maxConnections, proxies);
    server.on('connection', (socket) => {
      if (!clients.admit(socket)) socket.destroy();
    });
    const sockets =
      onSocket &&
      new WebSocketServer({
        noServer: true,
        maxPayload: maxMessageBytes,
        perMessageDeflate: false,
        maxFragments: MAX_FRAGMENTS,
        maxBufferedChunks: MAX_CHUNKS,
      });
    server.on('request', (request, response) => {
      const reason = refusalOf(request, access);
      if (reason !== undefined) return answer(response, 403, `${reason}\n`);
      const connection = clients.admitRequest(request, (left) => response.once('close', left));
      if (connection === undefined) return answer(response, 429, `${TOO_MANY}\n`);
      connection.begin();
      response.once('close', () => connection.end());
      const handled = async () => onRequest(request, response, connection.client);
      void handled().catch(() => response.destroy());
    });
    server.on('upgrade', (request, socket, head) => {
      const reason = refusalOf(request, access);
      if (sockets === undefined) return refuseUpgrade(socket, '404 Not Found', 'no WebSockets here');
      if (reason !== undefined) return refuseUpgrade(socket, '403 Forbidden', reason);
      const connection = clients.admitRequest(request, (left) => socket.once('close', left));
      if (connection === undefined) return refuseUpgrade(socket, '429 Too Many Requests', TOO_MANY);
      sockets.handleUpgrade(request, socket, head, (opened) => {
        // A connection that has sent something stays.
        opened.once('message', () => connection.begin());
        onSocket?.(opened, connection.client);
      });
    });
    server.listen(address.port, address.host);
    await once(server, 'listening');
    return new Listener(server, sockets);
  }

  /** The actual address. */
  get address(): Address {
    const address = this.#server.address();
    if (typeof address !== 'object' || address === null) throw new Error('The listener was closed.');
    return { host: address.address, port: address.port };
  }

  /** Ends all connections: clients reconnect by themselves. */
  async close(): Promise<void> {
    for (const socket of this.#sockets?.clients ?? []) socket.terminate();
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }
}

/** Answers with a short text. */
export function answer(response: ServerResponse, status: number, text: string, type = 'text/plain'): void {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(text) }).end(text);
}

function refuseUpgrade(socket: Duplex, status: string, reason: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: ${reason.length}\r\n\r\n${reason}`);
}
