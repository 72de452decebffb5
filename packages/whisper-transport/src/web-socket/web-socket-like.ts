/** The part of a WebSocket that is used; the global one has it, and that of the package `ws`. */
export interface WebSocketLike {
  /** Set to `arraybuffer` where bytes are expected. */
  binaryType?: string;
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(type: 'open' | 'close' | 'error', listener: () => void): void;
  send(data: string | Uint8Array<ArrayBuffer>): void;
  close(): void;
}

/** Opens a WebSocket; at least `maxMessageBytes` have to come through in one message, more need not. */
export type OpenWebSocket = (url: string, maxMessageBytes: number) => WebSocketLike;

/** The runtime's own: browsers have it, and Node from 22 on. */
export const globalWebSocket: OpenWebSocket = (url) => new WebSocket(url) as WebSocketLike;
