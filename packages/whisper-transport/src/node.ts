/** For Node: {@link whisperNode} with WebSockets also where the runtime has none of its own, as in Node 20. */
import type { Transport } from '@sotto/core';
import { WebSocket } from 'ws';
import { whisperNode as portable, type WhisperNodeOptions } from './whisper-node-transport.js';

export type { WhisperNodeOptions } from './whisper-node-transport.js';

/**
 * `whisperNode` of `@sotto/whisper-transport`, over the WebSockets of the package `ws`. **It gives the node the
 * private key of the identity**; read there what that means.
 *
 * @throws INVALID_ARGUMENT
 */
export function whisperNode(options: WhisperNodeOptions): Transport {
  return portable({
    webSocket: (url, maxPayload) => new WebSocket(url, { maxPayload, followRedirects: false }),
    ...options,
  });
}
