/**
 * Processes that are killed for real while they write, and the network that connects them to the test.
 */
export { killWhenHung } from './hung-process.js';
export { type Life, liveOnce } from './killed-process.js';
export { type Death, killing } from './killing-store.js';
export { NetworkBridge, parentTransport } from './network-bridge.js';
export { createPowerCutStore } from './power-cut-store.js';
