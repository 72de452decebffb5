export { type Chain, startChain } from './chain.js';
