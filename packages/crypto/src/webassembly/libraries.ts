/** What the WebAssembly provider loads, and no more of the two packages: a bundler leaves the rest of them out. */
export { instantiateSecp256k1 } from '@bitauth/libauth';
export { loadKeccak256 } from './keccak.js';
