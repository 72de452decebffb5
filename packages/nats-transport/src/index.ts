export type { NatsConnectionLike } from './connection.js';
export { createNatsCarrier, type NatsCarrierOptions } from './nats-carrier.js';
export { type NatsStreamConfig, type NatsStreamOptions, natsStreamConfig } from './stream-config.js';
