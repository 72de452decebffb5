/** The package's entry in Node.js, by the export condition `node`. The same names as in `../index.ts`. */
import type { Transport } from '@sotto/core';
import { WebSocket } from 'ws';
import { createRpcTransport as createPortable, type RpcTransportOptions } from '../rpc-transport.js';

export function createRpcTransport(options: RpcTransportOptions): Transport {
  return createPortable({
    // Node.js 20 has no WebSocket of its own, and the one of 22 has no limit for a message.
    webSocket: (url, maxPayload) => new WebSocket(url, { maxPayload, followRedirects: false }),
    ...options,
  });
}
