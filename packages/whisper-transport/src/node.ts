/** For Node: {@link whisperNode} and {@link relay} with WebSockets also where the runtime has none of its own, as in Node 20. */
import type { Carrier, Transport } from '@sotto/core';
import { WebSocket } from 'ws';
import { relay as portableRelay, type RelayOptions } from './relay.js';
import type { OpenWebSocket } from './web-socket/web-socket-like.js';
import { whisperNode as portable, type WhisperNodeOptions } from './whisper-node-transport.js';

export type { RelayOptions } from './relay.js';
export type { WhisperNodeOptions } from './whisper-node-transport.js';

const openWebSocket: OpenWebSocket = (url, maxPayload) =>
  new WebSocket(url, { maxPayload, followRedirects: false });

/**
 * `whisperNode` of `@sotto/whisper-transport`, over the WebSockets of the package `ws`. **It gives the node the
 * private key of the identity**; read there what that means.
 *
 * @throws INVALID_ARGUMENT
 */
export function whisperNode(options: WhisperNodeOptions): Transport {
  return portable({ webSocket: openWebSocket, ...options });
}

/**
 * `relay` of `@sotto/whisper-transport`, over the WebSockets of the package `ws`.
 *
 * @throws INVALID_ARGUMENT
 */
export function relay(options: RelayOptions): Carrier {
  return portableRelay({ webSocket: openWebSocket, ...options });
}
