/** What the WebAssembly provider uses of the two packages: a bundler omits the rest of them. */
export { instantiateSecp256k1 } from '@bitauth/libauth';
export { createKeccak } from 'hash-wasm';
