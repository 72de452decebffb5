/** The part of `../internal.ts` that is for Node.js alone. Not for applications either. */
export { nodeWebSocket } from './web-socket.js';
