/** The part of hash-wasm that the search for nonces loads: bundlers leave out the rest. */
export { createKeccak } from 'hash-wasm';
