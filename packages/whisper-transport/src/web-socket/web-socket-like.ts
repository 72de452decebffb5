/** The part of a WebSocket that is used: the global class has it, and so has that of the package `ws`. */
export interface WebSocketLike {
  /** Set to `arraybuffer` to receive bytes. */
  binaryType?: string | undefined;
  /** Calls `listener` for each message: a string or, with `binaryType` set, an `ArrayBuffer`. */
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
  /** Calls `listener` when the connection opens, closes or fails. */
  addEventListener(type: 'open' | 'close' | 'error', listener: () => void): void;
  /** Sends a message. Throws before the connection is open. */
  send(data: string | Uint8Array<ArrayBuffer>): void;
  /** Closes the connection; `close` is fired afterwards. */
  close(): void;
}

/** Opens a WebSocket that accepts messages of up to `maxMessageBytes`; it may refuse larger ones. */
export type OpenWebSocket = (url: string, maxMessageBytes: number) => WebSocketLike;

/** The runtime's own WebSocket: in browsers, and in Node.js from 22 on. */
export const globalWebSocket: OpenWebSocket = (url) => new WebSocket(url) as WebSocketLike;
