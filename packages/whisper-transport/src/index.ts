export { BLOOM_LENGTH, bloomOf, bloomOfTopics, matchesBloom } from './bloom.js';
export { checkEnvelope, DEFAULT_ENVELOPE_POLICY, type EnvelopePolicy } from './envelope/check.js';
export {
  decodeEnvelope,
  ENVELOPE_MAX_BYTES,
  type Envelope,
  encodeEnvelope,
  envelopeHash,
  proofOfWork,
} from './envelope/envelope.js';
export { decodePlain, encodePlain, type PlainMessage } from './envelope/plain.js';
export { createInlineMiner, findNonce, type Miner, powBits } from './envelope/proof-of-work.js';
export { type OpeningKey, openData, sealData } from './envelope/seal.js';
export { type SealedTransportOptions, sealedTransport } from './sealed-transport.js';
export {
  type ChannelCipher,
  ChannelKeys,
  channelSymmetricKey,
  contactCodeName,
  discoveryName,
  negotiatedName,
  partitionedName,
  type ResolvedChannel,
  topicOf,
} from './topics.js';
