/**
 * Tables of a messenger, for tools that fill stores, such as benchmarks. They may change in any release.
 *
 * @module
 */
export { memberSyncTable } from './groups/tables.js';
