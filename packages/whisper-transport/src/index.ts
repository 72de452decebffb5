export type { Pbkdf2 } from './channels/topics.js';
export type { EnvelopePolicy } from './envelope/check.js';
export { createInlineMiner, type InlineMinerOptions } from './mining/inline-miner.js';
export { type MineOptions, type Miner, powBits } from './mining/miner.js';
export {
  createPipeCarrier,
  type DeliverOptions,
  type Pipe,
  type PipeCarrierOptions,
  type PipeEvents,
  type PipeOpener,
} from './pipe-carrier.js';
export { MAX_CORRECTION_MS } from './sealed/clock-skew.js';
export { createSealedTransport, type SealedTransportOptions } from './sealed/sealed-transport.js';
