/** The part of a WebSocket that is used. The global one has it, and so has the one of the package `ws`. */
export interface WebSocketLike {
  /** Set to `arraybuffer` to receive bytes. */
  binaryType?: string;
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(type: 'open' | 'close' | 'error', listener: () => void): void;
  send(data: string | Uint8Array<ArrayBuffer>): void;
  close(): void;
}

/** Opens a WebSocket that accepts messages of up to `maxMessageBytes`; it may refuse larger ones. */
export type OpenWebSocket = (url: string, maxMessageBytes: number) => WebSocketLike;

/** The runtime's own WebSocket: in browsers, and in Node.js from 22 on. */
export const globalWebSocket: OpenWebSocket = (url) => new WebSocket(url) as WebSocketLike;
