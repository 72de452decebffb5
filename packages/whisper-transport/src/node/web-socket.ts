import { createRequire } from 'node:module';
import { SottoError } from '@sotto/core';
import type { WebSocket as WsSocket } from 'ws';
import { globalWebSocket, type OpenWebSocket } from '../web-socket/web-socket-like.js';

/**
 * What opens WebSockets in Node.js: the package `ws`, an optional peer dependency, or else the runtime's own WebSocket. Node.js 20 has
 * none, and the one of Node.js 22 does not limit the size of messages.
 *
 * @throws PACKAGE_MISSING where there is neither
 */
export function nodeWebSocket(): OpenWebSocket {
  try {
    const { WebSocket } = createRequire(import.meta.url)('ws') as { readonly WebSocket: typeof WsSocket };
    return (url, maxMessageBytes) =>
      new WebSocket(url, { maxPayload: maxMessageBytes, followRedirects: false });
  } catch (cause) {
    if (globalThis.WebSocket !== undefined) return globalWebSocket;
    const reason = (cause as NodeJS.ErrnoException).code ?? 'it cannot be loaded';
    const message = 'This version of Node.js has no WebSocket: npm install ws';
    throw new SottoError('PACKAGE_MISSING', message, { packages: ['ws'], reason }, { cause });
  }
}
