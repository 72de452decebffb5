export { contentTopicOf, pubsubTopicOf, STATUS_PUBSUB_TOPIC, topicOfContentTopic } from './content-topic.js';
export type {
  OutgoingProtoMessage,
  WakuConnection,
  WakuDecodedMessage,
  WakuDecoder,
  WakuEncoder,
  WakuFilter,
  WakuLibp2p,
  WakuLightNode,
  WakuNode,
  WakuNodeBase,
  WakuProtoMessage,
  WakuRelay,
  WakuRelayNode,
  WakuResult,
  WakuSender,
  WakuStore,
  WakuStoreContinuation,
  WakuStoreQuery,
  WakuStream,
  WakuSubscription,
} from './node.js';
export { createWakuCarrier, type WakuCarrierOptions } from './waku-carrier.js';
export {
  decodeWakuMessage,
  encodeWakuMessage,
  MAX_MESSAGE_BYTES,
  type WakuMessage,
  wakuMessageHash,
} from './waku-message.js';
export { createWakuTransport, type WakuTransportOptions } from './waku-transport.js';
