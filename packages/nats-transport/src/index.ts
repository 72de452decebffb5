export { createNatsCarrier, type NatsCarrierOptions } from './nats-carrier.js';
export { type NatsStreamOptions, natsStreamConfig } from './stream-config.js';
