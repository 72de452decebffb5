/** The entry `./relay` in Node.js, by the export condition `node`. The same names as in `../relay.ts`. */
import type { Carrier } from '@sotto/core';
import { createRelayCarrier as createPortable, type RelayCarrierOptions } from '../relay/relay-carrier.js';
import { nodeWebSocket } from './web-socket.js';

export function createRelayCarrier(options: RelayCarrierOptions): Carrier {
  return createPortable({ ...options, webSocket: options.webSocket ?? nodeWebSocket() });
}
