/** Whisper's own formats, EIP-627, for building nodes and reading envelopes. Wire profile, sections 6 and 7. */
export { BLOOM_LENGTH, bloomOfTopics, matchesBloom } from './channels/bloom.js';
export {
  type ChannelCipher,
  channelKeyRequest,
  channelSymmetricKey,
  type Pbkdf2,
  partitionedName,
  topicOf,
} from './channels/topics.js';
export { checkEnvelope, DEFAULT_ENVELOPE_POLICY, type EnvelopePolicy } from './envelope/check.js';
export {
  decodeEnvelope,
  type Envelope,
  encodeEnvelope,
  encodeWithoutNonce,
  envelopeHash,
  proofOfWork,
} from './envelope/envelope.js';
export {
  EnvelopePool,
  type EnvelopePoolOptions,
  type PooledEnvelope,
  type PoolListener,
} from './envelope/envelope-pool.js';
export { ENVELOPE_MAX_BYTES, SEALING_OVERHEAD } from './envelope/limits.js';
export { peekTopic } from './envelope/peek-topic.js';
export { decodePlain, encodePlain, type PlainMessage } from './envelope/plain.js';
export { type OpeningKey, openData, sealData } from './envelope/seal.js';
