export * from './default-provider.js';
export * from './everywhere.js';
