export { MAX_CORRECTION_MS } from './clock-skew.js';
export type { EnvelopePolicy } from './envelope/check.js';
export { createInlineMiner, type InlineMinerOptions } from './mining/inline-miner.js';
export { type MineOptions, type Miner, powBits } from './mining/miner.js';
export {
  createPipeCarrier,
  type Pipe,
  type PipeCarrierOptions,
  type PipeEvents,
  type PipeOpener,
} from './pipe-carrier.js';
export { createSealedTransport, type SealedTransportOptions } from './sealed-transport.js';
export type { Pbkdf2 } from './topics.js';
