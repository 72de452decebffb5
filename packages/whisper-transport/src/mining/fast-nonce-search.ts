import { createNonceSearch, createWebAssemblySearch } from './nonce-search.js';

let fastSearch: Promise<typeof createNonceSearch> | undefined;

/**
 * A search with the WebAssembly of hash-wasm, which is loaded once, when it is first needed. Where WebAssembly is missing or forbidden, it
 * is {@link createNonceSearch}.
 */
export function loadFastNonceSearch(): Promise<typeof createNonceSearch> {
  fastSearch ??= import('./keccak.js')
    .then(({ createKeccak }) => createWebAssemblySearch(createKeccak))
    .catch(() => createNonceSearch);
  return fastSearch;
}
