/** The main entry in Node, by the export condition `node`. The same names as in `../index.ts`. */
export * from '../everywhere.js';
export * from './default-provider.js';
