/**
 * What the transports of this project share, in packages of their own. Not for applications: it changes without notice,
 * in any release.
 */
export { channelId, checkMaySubscribe } from './channels/channel-id.js';
export { ChannelKeys, type ResolvedChannel } from './channels/topics.js';
export { SkewEstimate } from './sealed/clock-skew.js';
export { Deadline } from './support/deadline.js';
export { onAbort } from './support/on-abort.js';
export { RedeliveryQueue } from './support/redelivery-queue.js';
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
} from './support/rlp.js';
export { abortedError, closedError, timeoutError, unavailableError } from './support/transport-errors.js';
export { type WaitLimits, waitWithin, withDeadline } from './support/wait.js';
export { type BackOff, backOffDelay, DEFAULT_BACK_OFF } from './web-socket/back-off.js';
export { PendingCalls } from './web-socket/pending-calls.js';
export { ReconnectingSocket } from './web-socket/reconnecting-socket.js';
export { globalWebSocket, type OpenWebSocket, type WebSocketLike } from './web-socket/web-socket-like.js';
