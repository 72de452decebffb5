export { isBareMessage } from './bare-message.js';
export {
  type Bundle,
  decodeBundle,
  encodeBundle,
  type HybridPreKey,
  type SignedPreKey,
  withoutKemPreKeys,
} from './bundle.js';
export { decodeBundleJson, encodeBundleJson } from './bundle-json.js';
export { decodeContactCode, encodeContactCode } from './contact-code.js';
export { DEFAULT_DECODE_LIMITS, type DecodeLimits, type DecodeOptions } from './decode-limits.js';
export {
  type DhHeader,
  type DirectMessage,
  type DrHeader,
  decodeHybridHandshake,
  encodeHybridHandshake,
  type HybridHandshake,
  type HybridHeader,
  type X3dhHeader,
} from './direct-message.js';
export { decodeProtocolMessage, encodeProtocolMessage, type ProtocolMessage } from './protocol-message.js';
