export { unhex } from './hex.js';
export { loadVectors, type VectorFiles, type VectorName } from './load.js';
export type * from './shapes.js';
