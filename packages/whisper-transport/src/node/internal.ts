/** The part of `../internal.ts` that is for Node.js alone. Not for applications either. */

export type { OpenWebSocket, WebSocketLike } from '../web-socket/web-socket-like.js';
export { nodeWebSocket } from './web-socket.js';
