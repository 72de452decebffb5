/**
 * What the transports of this project share, in packages of their own. Not for applications: it changes without notice,
 * in any release.
 */
export { channelId, checkMaySubscribe } from './channels/channel-id.js';
export { type ChannelCipher, ChannelKeys, type Pbkdf2, type ResolvedChannel } from './channels/topics.js';
export { type Lifetime, type PeerKind, SkewEstimate } from './sealed/clock-skew.js';
export { rfc26Format } from './sealed/rfc26-format.js';
export { createTransportOfFormat, type FormatTransportOptions } from './sealed/sealed-transport.js';
export { Deadline } from './support/deadline.js';
export { readable } from './support/readable.js';
export { DEFAULT_MAX_WAITING_BYTES, RedeliveryQueue } from './support/redelivery-queue.js';
export {
  encodeItem,
  encodeList,
  firstItem,
  isList,
  joinList,
  malformed,
  type RlpScalar,
  readBytes,
  readInteger,
  splitList,
} from './support/rlp.js';
export { abortedError, closedError, timeoutError, unavailableError } from './support/transport-errors.js';
export { type WaitLimits, waitWithin, withDeadline } from './support/wait.js';
export { type BackOff, backOffDelay, DEFAULT_BACK_OFF } from './web-socket/back-off.js';
export { type NewCall, PendingCalls } from './web-socket/pending-calls.js';
export {
  ReconnectingSocket,
  type SocketEvents,
  type SocketSettings,
} from './web-socket/reconnecting-socket.js';
export { globalWebSocket, type OpenWebSocket, type WebSocketLike } from './web-socket/web-socket-like.js';
