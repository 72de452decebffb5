export { BLOOM_LENGTH, bloomOf, bloomOfTopics, matchesBloom } from './bloom.js';
export { MAX_CORRECTION_MS } from './clock-skew.js';
export { checkEnvelope, DEFAULT_ENVELOPE_POLICY, type EnvelopePolicy } from './envelope/check.js';
export {
  decodeEnvelope,
  ENVELOPE_MAX_BYTES,
  type Envelope,
  encodeEnvelope,
  encodeWithoutNonce,
  envelopeHash,
  proofOfWork,
} from './envelope/envelope.js';
export { decodePlain, encodePlain, type PlainMessage } from './envelope/plain.js';
export { type OpeningKey, openData, sealData } from './envelope/seal.js';
export {
  EnvelopePool,
  type EnvelopePoolOptions,
  type PooledEnvelope,
  type PoolListener,
} from './envelope-pool.js';
export type { Fetch } from './json-rpc/http-client.js';
export { createInlineMiner, type InlineMinerOptions } from './mining/inline-miner.js';
export { type MineOptions, type Miner, powBits } from './mining/miner.js';
export {
  type OpenPipe,
  type OpensPipe,
  type PipeEvents,
  type PipeOptions,
  pipeCarrier,
} from './pipe-carrier.js';
export { type RelayOptions, relay } from './relay.js';
export { type SealedTransportOptions, sealedTransport } from './sealed-transport.js';
export {
  type ChannelCipher,
  ChannelKeys,
  channelKeyRequest,
  channelSymmetricKey,
  contactCodeName,
  discoveryName,
  negotiatedName,
  type Pbkdf2,
  partitionedName,
  type ResolvedChannel,
  topicOf,
} from './topics.js';
export type { BackOff } from './web-socket/back-off.js';
export type { OpenWebSocket, WebSocketLike } from './web-socket/web-socket-like.js';
export { type WhisperNodeOptions, whisperNode } from './whisper-node-transport.js';
