/**
 * What the transports of this project share, in packages of their own. Not for applications: it changes without notice,
 * in any release.
 */
export { channelId, checkMaySubscribe } from './channel-id.js';
export { SkewEstimate } from './clock-skew.js';
export { Deadline } from './deadline.js';
export { onAbort } from './on-abort.js';
export { RedeliveryQueue } from './redelivery-queue.js';
export {
  encodeItem,
  encodeList,
  firstItem,
  isList,
  joinList,
  malformed,
  readBytes,
  readInteger,
  splitList,
} from './rlp.js';
export { ChannelKeys, type ResolvedChannel } from './topics.js';
export { abortedError, closedError, timeoutError, unavailableError } from './transport-errors.js';
export { type WaitLimits, waitWithin, withDeadline } from './wait.js';
export { type BackOff, backOffDelay, DEFAULT_BACK_OFF } from './web-socket/back-off.js';
export { PendingCalls } from './web-socket/pending-calls.js';
export { ReconnectingSocket } from './web-socket/reconnecting-socket.js';
export { globalWebSocket, type OpenWebSocket, type WebSocketLike } from './web-socket/web-socket-like.js';
