/** Of hash-wasm, what the search for nonces loads: a bundler leaves the rest of it out. */
export { createKeccak } from 'hash-wasm';
