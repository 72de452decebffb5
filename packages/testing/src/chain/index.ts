export { type Chain, startChain } from './chain.js';
export { installChain } from './install.js';
