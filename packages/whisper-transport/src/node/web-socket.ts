import { WebSocket } from 'ws';
import type { OpenWebSocket } from '../web-socket/web-socket-like.js';

/** A WebSocket of the package `ws`: Node.js 20 has none of its own, and the one of 22 has no limit for a message. */
export const openNodeWebSocket: OpenWebSocket = (url, maxMessageBytes) =>
  new WebSocket(url, { maxPayload: maxMessageBytes, followRedirects: false });
