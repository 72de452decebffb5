export { createRelayCarrier, type RelayCarrierOptions } from './relay/relay-carrier.js';
export type { BackOff } from './web-socket/back-off.js';
export type { OpenWebSocket, WebSocketLike } from './web-socket/web-socket-like.js';
