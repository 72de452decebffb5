/** The package's entry in Node.js, by the export condition `node`. The same names as in `../index.ts`. */
import type { Transport } from '@sotto/core';
import { nodeWebSocket } from '@sotto/whisper-transport/internal/node';
import { createRpcTransport as createPortable, type RpcTransportOptions } from '../rpc-transport.js';

export function createRpcTransport(options: RpcTransportOptions): Transport {
  return createPortable({ ...options, webSocket: options.webSocket ?? nodeWebSocket() });
}
